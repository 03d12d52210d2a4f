"""The outer ring: everything that touches a platform, a browser or the command line."""
