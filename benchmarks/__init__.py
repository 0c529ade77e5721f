"""Speed, measured side by side on one machine. Each prints one JSON object as its last line."""
