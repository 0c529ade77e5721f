"""How many failures, and so calls, acting upon predictions has avoided: known from what was held out."""
