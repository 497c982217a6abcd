//! Cases in people's hands.

use super::*;

impl Engine {
    /// The instant at which the next step of a case is overdue. A timer that no longer fits finds the case otherwise, and does nothing.
    pub(super) fn set_case_timer(&mut self, case: &Case) {
        if let Some(due) = case.due.filter(|_| !case.overdue) {
            self.timers.insert(Timer { deadline: due, outlet: case.outlet, kind: TimerKind::CaseDue(case.id) });
        }
    }

    pub(super) fn dispose(&mut self, step: &Disposition, writes: &mut WriteSet) {
        let moved = match step.fault() {
            Some((column, _)) => Err(column),
            None => self.docket_of(step.case).and_then(|(docket, rules, now)| docket.dispose(step, rules, now)),
        };
        self.answer("disposition", step.case, step, moved, writes);
    }

    pub(super) fn happened(&mut self, event: &CaseEvent, writes: &mut WriteSet) {
        let moved = match event.fault() {
            Some((column, _)) => Err(column),
            None => self.docket_of(event.case).and_then(|(docket, _, now)| docket.happened(event, now)),
        };
        self.answer("case_event", event.case, event, moved, writes);
    }

    pub(super) fn case_due(&mut self, id: Uuid, at: Moment, writes: &mut WriteSet) {
        if let Some((case, change)) = self.docket_of(id).ok().and_then(|(docket, _, _)| docket.fall_due(id, at)) {
            self.case_moved(case, change, writes);
        }
    }

    pub(super) fn docket_of(&mut self, id: Uuid) -> Result<(&mut Docket, &RuleSet, Moment), &'static str> {
        let place = self.case_places.get(&id).ok_or("no such case")?;
        Ok((self.dockets.get_mut(place).ok_or("no such case")?, &self.rules, self.now))
    }

    /// What was said about a case moves it, was said already, or is refused by name to whoever reads the dead letters.
    fn answer<S: serde::Serialize>(
        &mut self,
        what: &str,
        case: Uuid,
        statement: &S,
        moved: Result<(Case, Change), &'static str>,
        writes: &mut WriteSet,
    ) {
        match moved {
            Ok((case, change)) => self.case_moved(case, change, writes),
            Err(docket::SAID_ALREADY) => writes.note(Notice::Statement("repeated"), 1),
            Err(reason) => {
                writes.note(Notice::Statement("refused"), 1);
                writes.events.push(message::refused(what, case, statement, reason, self.now, self.sequence));
            }
        }
    }

    fn case_moved(&mut self, case: Case, change: Change, writes: &mut WriteSet) {
        self.set_case_timer(&case);
        writes.events.push(message::case_moved(&case, change, &self.registry, &self.versions, self.now, self.sequence));
        writes.note(Notice::Referral(change.name()), 1);
        writes.cases.push(case);
    }
}
