"""The web console, the REST API and the live stream. Reads by its own queries; acts through the desk."""
