//! The cells of an outlet's day. Between two closings of an hour nobody looks at them: they rest as bytes, in a quarter of the room. The
//! same bytes are what a store keeps of them.

use super::HourCell;
use super::day::Cells;
use crate::domain::FactorCode;
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// Cells by factor. Closed hours only: what a cell holds until its hour is closed is not carried.
type ByFactor = BTreeMap<FactorCode, Box<Cells>>;

/// The form of the bytes, their first one. They stand in databases: whoever changes what a cell holds gives it a new number, and reads
/// the former form as well.
const FORM: u8 = 1;

/// Bytes that are no cells of a form that is known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("stored cells have the form {0}, and this release reads the form {FORM}: a later release wrote them, start that one")]
pub struct UnknownForm(u8);

/// Cells of one outlet's closed hours of one day, by factor. Those that rest are read when somebody looks, and stay open until they
/// are put to rest again.
#[derive(Debug, Default)]
pub struct Shelf {
    /// The cells as bytes; none: there are none, or they changed since.
    resting: Option<Arc<[u8]>>,
    open: OnceLock<ByFactor>,
}

impl Shelf {
    /// Cells as they were stored. They are read when somebody looks.
    ///
    /// # Errors
    /// [`UnknownForm`].
    pub fn at_rest(bytes: &[u8]) -> Result<Self, UnknownForm> {
        match bytes.first() {
            Some(&FORM) => Ok(Self { resting: Some(bytes.into()), open: OnceLock::new() }),
            form => Err(UnknownForm(form.copied().unwrap_or_default())),
        }
    }

    /// The cells as they are stored; none: there are none.
    #[must_use]
    pub fn bytes(&self) -> Option<Cow<'_, [u8]>> {
        match (&self.resting, self.open.get()) {
            (Some(bytes), _) => Some(Cow::Borrowed(bytes)),
            (None, Some(open)) if !open.is_empty() => Some(Cow::Owned(written(open))),
            _ => None,
        }
    }

    /// The cells, by factor.
    ///
    /// # Panics
    /// When bytes that [`Shelf::rest`] wrote cannot be read: memory that lies ends the house.
    #[must_use]
    pub fn cells(&self) -> &ByFactor {
        self.open.get_or_init(|| self.read())
    }

    fn read(&self) -> ByFactor {
        let read = |bytes: &Arc<[u8]>| postcard::from_bytes(&bytes[1..]).expect("what was written here can be read");
        self.resting.as_ref().map(read).unwrap_or_default()
    }

    /// Changes the cells.
    pub(crate) fn change(&mut self, how: impl FnOnce(&mut ByFactor)) {
        let mut cells = self.open.take().unwrap_or_else(|| self.read());
        how(&mut cells);
        *self = Self::from(cells);
    }

    /// Has their bytes made while they stay open: for what is written and looked at again in the same step.
    pub fn pack(&mut self) {
        if self.resting.is_none() {
            self.resting = self.open.get().filter(|open| !open.is_empty()).map(|open| written(open).into());
        }
    }

    /// Puts them to rest.
    pub fn rest(&mut self) {
        self.pack();
        self.open = OnceLock::new();
    }

    /// Whether nobody looked at them since they were put to rest.
    #[cfg(test)]
    pub(crate) fn rests(&self) -> bool {
        self.open.get().is_none()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.resting.is_none() && self.open.get().is_none_or(BTreeMap::is_empty)
    }

    /// Every cell.
    pub fn iter(&self) -> impl Iterator<Item = (FactorCode, &HourCell)> {
        self.cells().iter().flat_map(|(factor, cells)| cells.iter().flatten().map(|cell| (*factor, cell.as_ref())))
    }
}

/// # Panics
/// Never: what is in a cell can be written.
fn written(cells: &ByFactor) -> Vec<u8> {
    postcard::to_extend(cells, vec![FORM]).expect("cells can be written")
}

/// Without what can be read again.
impl Clone for Shelf {
    fn clone(&self) -> Self {
        let open = if self.resting.is_none() { self.open.clone() } else { OnceLock::new() };
        Self { resting: self.resting.clone(), open }
    }
}

impl From<ByFactor> for Shelf {
    fn from(cells: ByFactor) -> Self {
        Self { resting: None, open: OnceLock::from(cells) }
    }
}

impl PartialEq for Shelf {
    fn eq(&self, other: &Self) -> bool {
        self.cells() == other.cells()
    }
}

impl Eq for Shelf {}

/// As releases before the bytes had them: in the document of the day.
impl<'de> Deserialize<'de> for Shelf {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        ByFactor::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregation::Odd;
    use crate::domain::number::{Ratio, parse};
    use crate::domain::{Origin, PacketRef};
    use crate::protocol::marker::Marker;

    fn shelf() -> Shelf {
        let value = |text: &str| Some(parse(text).expect("a value"));
        let mut cell = HourCell::new(Origin::Minutes, 60);
        (cell.min, cell.max, cell.marked) = (value("0.10"), value("9999999999.5"), vec![(Marker::NORMAL, 58), (Marker::FAULT, 2)]);
        cell.peak = Some(PacketRef { rank: 1, qn: 1_773_446_400_000, sequence: 7 });
        cell.volume = Some(Box::new(Ratio::of(parse("12.5").expect("a value"))));
        cell.seen.plateau = Some((parse("-0.0").expect("a value"), 3600));
        cell.seen.odd = Some(Box::new(Odd { negative_secs: 60, calibration_low: value("3"), ..Odd::default() }));
        let mut shelf = Shelf::default();
        shelf.change(|cells| {
            let mut hours: Box<Cells> = Box::new([const { None }; 24]);
            hours[23] = Some(Arc::new(cell));
            cells.insert(FactorCode::known("a21026"), hours);
        });
        shelf
    }

    #[test]
    fn cells_come_back_from_rest_and_from_documents_as_they_were() {
        let (before, mut after) = (shelf(), shelf());
        after.rest();
        assert!(after.rests() && !after.is_empty());
        assert_eq!(before, after);
        let stored = after.bytes().expect("there are some").into_owned();
        assert_eq!(Shelf::at_rest(&stored), Ok(before.clone()));
        assert_eq!(before.bytes().as_deref(), Some(&stored[..]), "at rest or not");
        let document = serde_json::to_vec(before.cells()).expect("it serialises");
        assert_eq!(serde_json::from_slice::<Shelf>(&document).expect("as older releases stored them"), before);
    }

    #[test]
    fn the_form_of_stored_cells_does_not_change_without_its_number() {
        let known = concat!(
            "0101066132313032360000000000000000000000000000000000000000000000010003003c0000010432352f320000000000000002014e3a0144020001",
            "020a0101fbcfdbc3f4020000010180a0a49a9d67070000010100901c0000000000000000013c000000000001000300000000000000000000000000"
        );
        let bytes: String = shelf().bytes().expect("there are some").iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(bytes, known, "what a cell holds has changed: another FORM, and this one is still read");
        assert_eq!(Shelf::at_rest(&[2, 0]), Err(UnknownForm(2)));
        assert_eq!(Shelf::at_rest(&[]), Err(UnknownForm(0)));
    }

    #[test]
    fn packed_cells_stay_open_and_copies_of_them_rest() {
        let mut shelf = shelf();
        shelf.pack();
        assert!(!shelf.rests() && shelf.clone().rests());
        assert_eq!(shelf.clone(), shelf);
    }

    #[test]
    fn what_changes_after_a_rest_is_what_counts() {
        let mut shelf = shelf();
        shelf.rest();
        shelf.change(BTreeMap::clear);
        assert!(shelf.is_empty());
        shelf.rest();
        assert_eq!(shelf, Shelf::default());
    }
}
