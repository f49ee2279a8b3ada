"""What do all pages of Millrace share? The look, the frame, the way values are spelled."""
