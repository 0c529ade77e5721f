"""Parts of reports about the service that several kinds share."""
