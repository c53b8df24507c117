"""Show what a study found: one HTML file, a viewer in the browser, tables in the terminal."""
