//! Readings → hour cells → hour, day, month and quarter figures (averaging-and-validity §0.2).
//!
//! Event time only: which reading came first, and when, changes nothing. Nothing is dropped silently: what does not enter a
//! mean is still counted in its cell, by mark. Sums are exact; nothing is rounded before it is shown.

mod book;
mod cell;
mod day;
pub mod emission;
pub mod foreign;
mod marks;
pub mod month;
pub mod ph;
mod seen;
mod shape;
mod shelf;

pub use book::HourBook;
pub use cell::{Conversion, HourCell, Reported, SeriesRules, classify};
pub use day::{Cells, Cycle, Fate, SeriesDay, beside};
pub use marks::{MarkSpan, Marks};
pub use seen::{Odd, Seen, Versions};
pub use shape::{SLOTS, Shape, Sums};
pub use shelf::{Shelf, UnknownForm};
