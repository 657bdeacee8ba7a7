//! Diagrams as inline SVG. Each has a title and a description, its boxes are links, and the page shows the same content as
//! a table. The columns are fixed, so no layout engine is needed.

pub(crate) mod candidates;
mod columns;
pub(crate) mod dependencies;
mod shape;
pub(crate) mod zones;

pub(crate) use shape::Diagram;
