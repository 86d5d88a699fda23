"""Moving objects: small solids made of polygons, projected by the camera."""
