"""What moves on the ground: small solids made of polygons, drawn through the camera's matrix."""
