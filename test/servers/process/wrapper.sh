#!/bin/sh
# Starts the real server as a child of its own, and another process that nobody asked for (F-P16).
sleep 300 &
node "$(dirname "$0")/echo.mjs"
