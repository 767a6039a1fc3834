//! Maps over the die as pictures: SVG, white, for print.
//!
//! Bins are drawn in µm with one scale for x and y. A bin without a value is hatched, never coloured. All panels of a picture share one
//! scale of colours, and dies of like size one of lengths. Magnitudes are drawn in cividis (Nuñez, Anderton, Renslow 2018), differences in a map of ours
//! that is neutral at zero and as dark for a gain as for a loss: both can be told apart without red and green, and magnitudes in grey.

mod colour;
mod drawing;
mod picture;
mod scale;

pub use colour::{Rgb, difference_colour, magnitude_colour};
pub use picture::{DieOutline, Footer, MapPanel, difference_svg, maps_svg};
