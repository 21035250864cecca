"""Meshes: domains made of triangles or tetrahedra, or inside of a closed surface of triangles."""
