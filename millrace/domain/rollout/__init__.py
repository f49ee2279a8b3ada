"""The way from challenger to champion, and back."""
