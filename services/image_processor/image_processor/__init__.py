"""Makes the renditions of an uploaded picture that the shop shows: a few sizes, upright, in sRGB, without metadata."""
