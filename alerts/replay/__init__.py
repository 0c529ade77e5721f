"""What a book of rules would have said of stored history: judged by the same code, nothing written."""
