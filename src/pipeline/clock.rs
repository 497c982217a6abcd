//! The arrival clock: the one place where the wall clock is read for stamps.

use crate::domain::time::Moment;
use crate::telemetry::metric;
use metrics::counter;
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

/// How long no tick is given after a jump of the clock.
const HELD: Duration = Duration::from_secs(60);

/// When the next tick is due. After a jump of the wall clock none is given for a minute: a clock that jumps tells no time.
#[derive(Debug)]
pub struct TickClock {
    guard: JumpGuard,
    every: Duration,
    ticked: Instant,
    held_until: Option<Instant>,
}

impl TickClock {
    /// A tick every so often.
    #[must_use]
    #[allow(clippy::disallowed_methods)] // Ticks are spaced by the monotonic clock.
    pub fn new(every: Duration) -> Self {
        Self { guard: JumpGuard::new(Duration::from_secs(2)), every, ticked: Instant::now(), held_until: None }
    }

    /// Whether the time for a tick has come. Asked again, it has not.
    #[allow(clippy::disallowed_methods)] // As above.
    pub fn is_due(&mut self) -> bool {
        let due = self.ticked.elapsed() >= self.every;
        if due {
            self.ticked = Instant::now();
        }
        due
    }

    /// Whether a tick that is due may be given.
    #[allow(clippy::disallowed_methods)] // As above.
    pub fn tells_time(&mut self) -> bool {
        if let Some(jump_ms) = self.guard.look() {
            counter!(metric::CLOCK_JUMPS).increment(1);
            tracing::error!(jump_ms, "the wall clock jumped; ticks are held for a minute, check the time service");
            self.held_until = Some(Instant::now() + HELD);
        }
        self.held_until.take_if(|until| Instant::now() >= *until);
        self.held_until.is_none()
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
