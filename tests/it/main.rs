//! One integration binary. Each module says what it shows in its first lines.

mod alerts;
mod backfill;
mod cases;
mod commands;
mod conversations;
mod dialects;
mod equalities;
mod figures;
mod framing;
mod hostile;
mod house;
mod kills;
mod limits;
mod means;
mod means_command;
mod naive;
mod process;
mod quirks;
mod registry;
mod restarts;
mod rows;
mod statements;
mod vectors;
mod water;
mod week;
mod world;
