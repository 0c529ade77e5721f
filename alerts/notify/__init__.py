"""Who is told what, when and by which channel: a policy as data, and what follows from it."""
