//! The cells of an outlet's day. Between two closings of an hour nobody looks at them: they rest as bytes, in a quarter of the room.

use super::HourCell;
use super::day::Cells;
use crate::domain::FactorCode;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// Cells by factor. Closed hours only: what a cell holds until its hour is closed is not carried.
type ByFactor = BTreeMap<FactorCode, Box<Cells>>;

/// Cells of one outlet's closed hours of one day, by factor. Those that rest are read when somebody looks, and stay open until they
/// are put to rest again.
#[derive(Debug, Clone, Default)]
pub struct Shelf {
    /// The cells as bytes; none: there are none, or they changed since.
    resting: Option<Arc<[u8]>>,
    open: OnceLock<ByFactor>,
}

impl Shelf {
    /// The cells, by factor.
    ///
    /// # Panics
    /// When bytes that [`Shelf::rest`] wrote cannot be read: memory that lies ends the house.
    #[must_use]
    pub fn cells(&self) -> &ByFactor {
        self.open.get_or_init(|| self.read())
    }

    fn read(&self) -> ByFactor {
        self.resting.as_ref().map(|bytes| postcard::from_bytes(bytes).expect("what was written here can be read")).unwrap_or_default()
    }

    /// Changes the cells.
    pub(crate) fn change(&mut self, how: impl FnOnce(&mut ByFactor)) {
        let mut cells = self.open.take().unwrap_or_else(|| self.read());
        how(&mut cells);
        *self = Self::from(cells);
    }

    /// Puts them to rest.
    ///
    /// # Panics
    /// Never: what is in a cell can be written.
    pub fn rest(&mut self) {
        let Some(open) = self.open.take() else { return };
        if self.resting.is_none() && !open.is_empty() {
            self.resting = Some(postcard::to_allocvec(&open).expect("cells can be written").into());
        }
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

impl Serialize for Shelf {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.cells().serialize(serializer)
    }
}

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
        let read: Shelf = serde_json::from_slice(&serde_json::to_vec(&after).expect("it serialises")).expect("it can be read");
        assert_eq!(read, before);
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
