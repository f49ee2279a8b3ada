"""What the suite over all rules needs to know of each one that has a section of its own."""
