"""Starts moto's server with the plug-in."""
