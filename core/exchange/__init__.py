"""What leaves or enters: records as rows of text."""
