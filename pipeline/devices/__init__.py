"""The fleet's list: devices are added, imported, found, adopted, and given logins to a broker."""
