//! One integration binary. Each module says what it shows in its first lines.

mod conversations;
mod equalities;
mod house;
mod kills;
mod means;
mod process;
mod vectors;
mod world;
