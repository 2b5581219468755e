#!/bin/sh
# Everything behind -- is the command of the server.
exec holdfast serve "$@" -- npx -y @modelcontextprotocol/server-everything
