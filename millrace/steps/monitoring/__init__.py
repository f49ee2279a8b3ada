"""What is looked at of a model in production, and what is found of it?"""
