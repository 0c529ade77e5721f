"""Models as rows and artifacts, and who is in charge."""
