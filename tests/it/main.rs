//! One integration binary. Each module says what it shows in its first lines.

mod conversations;
mod equalities;
mod means;
mod vectors;
mod world;
