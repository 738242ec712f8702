"""The version of gradjit, for those who write it into files."""

VERSION = "0.1.0"
