"""The live service: customers see each status change of their orders as it happens, over a WebSocket."""
