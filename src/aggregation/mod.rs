//! Readings → hour cells → hour and day means, for gas (averaging-and-validity §0.2 rules 1–7, 12, 14, 15, 18).
//!
//! Event time only: which reading came first, and when, changes nothing. Nothing is dropped silently: what does not enter a
//! mean is still counted in its cell, by mark. Sums are exact; nothing is rounded before it is shown.

mod book;
mod cell;
mod day;

pub use book::HourBook;
pub use cell::{Conversion, HourCell, Reported, SeriesRules, classify};
pub use day::{day_means, hour_means};
