//! The arrival clock: the one place where the wall clock is read for stamps.

use crate::domain::time::Moment;
use std::time::{Duration, Instant, SystemTime};

/// Stamps arrivals. In a demonstration it runs `scale` times as fast, from `start` on.
#[derive(Debug, Clone, Copy)]
pub struct ArrivalClock {
    origin: SystemTime,
    start: Option<Moment>,
    scale: u32,
}

impl ArrivalClock {
    /// The wall clock.
    #[must_use]
    pub fn wall() -> Self {
        Self { origin: SystemTime::UNIX_EPOCH, start: None, scale: 1 }
    }

    /// A clock that shows `start` at `origin` and runs `scale` times as fast as the wall clock.
    #[must_use]
    pub fn scaled(origin: Moment, start: Moment, scale: u32) -> Self {
        let origin = SystemTime::UNIX_EPOCH + Duration::from_millis(origin.0.unsigned_abs());
        Self { origin, start: Some(start), scale: scale.max(1) }
    }

    /// Now.
    #[must_use]
    #[allow(clippy::disallowed_methods)] // Here, and nowhere else.
    pub fn now(&self) -> Moment {
        let since = SystemTime::now().duration_since(self.origin).unwrap_or_default();
        match self.start {
            None => Moment(since.as_millis() as i64),
            Some(start) => start.plus_ms((since.as_millis() as i64).saturating_mul(i64::from(self.scale))),
        }
    }

    /// How much faster than the wall clock.
    #[must_use]
    pub fn scale(&self) -> u32 {
        self.scale
    }
}

/// Compares the wall clock with the monotonic one.
#[derive(Debug)]
pub struct JumpGuard {
    wall: Moment,
    monotonic: Instant,
    tolerance: Duration,
}

impl JumpGuard {
    /// A guard from now on. `tolerance` is what one interval may differ by.
    #[must_use]
    #[allow(clippy::disallowed_methods)] // The other clock's only reader.
    pub fn new(tolerance: Duration) -> Self {
        Self { wall: ArrivalClock::wall().now(), monotonic: Instant::now(), tolerance }
    }

    /// How far the wall clock has jumped since the last look, if it has.
    #[allow(clippy::disallowed_methods)] // As above.
    pub fn look(&mut self) -> Option<i64> {
        let (wall, monotonic) = (ArrivalClock::wall().now(), Instant::now());
        let passed = monotonic.duration_since(self.monotonic);
        let jump = jump(wall.0 - self.wall.0, passed.as_millis() as i64, self.tolerance.as_millis() as i64);
        (self.wall, self.monotonic) = (wall, monotonic);
        jump
    }
}

fn jump(wall_ms: i64, monotonic_ms: i64, tolerance_ms: i64) -> Option<i64> {
    let difference = wall_ms - monotonic_ms;
    (difference.abs() > tolerance_ms).then_some(difference)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_is_what_differs_by_more_than_the_tolerance() {
        assert_eq!(jump(5_010, 5_000, 2_000), None);
        assert_eq!(jump(3_605_000, 5_000, 2_000), Some(3_600_000));
        assert_eq!(jump(-55_000, 5_000, 2_000), Some(-60_000));
    }

    #[test]
    fn a_scaled_clock_runs_from_its_start() {
        let origin = ArrivalClock::wall().now().plus_ms(-1_000);
        let start = Moment(1_000_000);
        let shown = ArrivalClock::scaled(origin, start, 100).now();
        assert!(shown >= start.plus_ms(100_000) && shown < start.plus_ms(2_000_000), "{shown:?}");
    }
}
