//! What the tool asks of the world, on one page.
