//! The loops: collect, step, commit, hand back. `serve` does all of it in one process; `gateway` collects into the journal's topic, and
//! `worker` steps over it.

pub mod appending;
pub mod clock;
pub mod core;
pub mod gateway;
pub mod intake;
pub mod neighbours;
pub mod register;
pub mod replay;
pub mod routing;
pub mod serve;
pub mod survey;
pub mod worker;
