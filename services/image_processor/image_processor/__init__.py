"""Makes what the shop shows of an uploaded picture: renditions of a few sizes, upright, in sRGB, without metadata."""
