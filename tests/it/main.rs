//! One integration binary. Each module says what it shows in its first lines.

mod conversations;
mod equalities;
mod framing;
mod hostile;
mod house;
mod kills;
mod means;
mod process;
mod quirks;
mod registry;
mod vectors;
mod world;
