//! Tables of texts: as CSV, as JSON, and marked against the table that was disclosed before.

use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// How a column's text stands in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As it is; empty: null.
    Text,
    /// A whole number.
    Count,
    /// true or false.
    Flag,
}

use Form::{Count, Flag, Text};

/// A column: its name, and its form in JSON.
type Column = (&'static str, Form);

/// Where a row is; what all tables begin with.
const PLACE: [Column; 5] = [("site", Text), ("site_name", Text), ("outlet", Text), ("outlet_name", Text), ("day", Text)];
/// Of the hour, where a table has hours.
const HOUR: Column = ("hour", Text);
/// Of what its figures are.
const FACTOR: [Column; 6] = [("factor", Text), ("factor_zh", Text), ("factor_en", Text), ("unit", Text), ("kind", Text), ("kind_zh", Text)];

/// The columns of a table: place, hour, factor, and its own figures.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Columns {
    /// Whether its rows are of an hour.
    by_hour: bool,
    figures: &'static [Column],
    /// Columns by which a row is the same row.
    key: &'static [&'static str],
}

impl Columns {
    fn all(&self) -> impl Iterator<Item = Column> + '_ {
        PLACE.into_iter().chain(self.by_hour.then_some(HOUR)).chain(FACTOR).chain(self.figures.iter().copied())
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.all().position(|(known, _)| known == name)
    }
}

/// hours.csv.
pub(super) static HOURS: Columns = Columns {
    by_hour: true,
    figures: &[(FIGURE, Text), ("class", Text), ("class_zh", Text), ("valid", Flag), ("count", Count), ("note", Text), ("note_zh", Text)],
    key: &["outlet", "hour", "factor", "kind"],
};

/// days.csv.
pub(super) static DAYS: Columns = Columns {
    by_hour: false,
    figures: &[(FIGURE, Text), ("valid", Flag), ("count", Count), ("due", Count), ("note", Text), ("note_zh", Text)],
    key: &["outlet", "factor", "kind"],
};

/// exceedances.csv.
pub(super) static EXCEEDANCES: Columns = Columns {
    by_hour: true,
    figures: &[
        ("basis", Text),
        ("basis_zh", Text),
        (FIGURE, Text),
        ("limit_type", Text),
        ("limit_type_zh", Text),
        ("limit", Text),
        ("standard", Text),
        ("multiple", Text),
        ("marginal", Flag),
    ],
    key: &["outlet", "hour", "factor", "kind", "basis", "limit_type", "limit", "standard"],
};

/// The figure that `previous` repeats.
const FIGURE: &str = "value";
/// What stands behind a row's own columns.
const MARKS: [&str; 3] = ["revised", "previous", "withdrawn"];

/// A row: its own columns, and what it was before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    cells: Vec<String>,
    /// It differs from what was disclosed before, or was not there.
    revised: bool,
    /// The figure that was disclosed before.
    previous: String,
    /// It was disclosed before and holds no longer: its other cells are those of then, its figure is empty.
    withdrawn: bool,
}

impl Row {
    pub(super) fn new(cells: Vec<String>) -> Self {
        Self { cells, revised: false, previous: String::new(), withdrawn: false }
    }
}

/// A disclosed table cannot be read: which line, and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct TableFault {
    /// Counted from 1.
    pub line: u64,
    /// What.
    pub what: String,
}

/// What a table changes of the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Changes {
    /// Rows with other figures.
    pub revised: usize,
    /// Rows that were not there.
    pub new: usize,
    /// Rows that are not there any more.
    pub gone: usize,
}

impl Changes {
    /// Whether nothing differs.
    #[must_use]
    pub fn is_none(self) -> bool {
        self == Self::default()
    }
}

/// Rows under their columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    columns: &'static Columns,
    rows: Vec<Row>,
}

impl Table {
    pub(super) fn new(columns: &'static Columns) -> Self {
        Self { columns, rows: Vec::new() }
    }

    pub(super) fn push(&mut self, row: Row) {
        debug_assert_eq!(row.cells.len(), self.columns.all().count());
        self.rows.push(row);
    }

    pub(super) fn extend(&mut self, rows: impl IntoIterator<Item = Row>) {
        rows.into_iter().for_each(|row| self.push(row));
    }

    /// How many rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn names(&self) -> impl Iterator<Item = &'static str> {
        self.columns.all().map(|(name, _)| name).chain(MARKS)
    }

    fn key<'r>(&self, row: &'r Row) -> Vec<&'r str> {
        self.columns.key.iter().filter_map(|name| Some(row.cells.get(self.columns.place(name)?)?.as_str())).collect()
    }

    /// Marks what differs from the table that was disclosed before, and counts it. What is there no longer is put at the end, withdrawn; the
    /// revision after that says nothing of it.
    pub fn mark(&mut self, before: &Table) -> Changes {
        let held = before.rows.iter().filter(|row| !row.withdrawn);
        let mut known: BTreeMap<Vec<&str>, &Row> = held.map(|row| (before.key(row), row)).collect();
        let mut changes = Changes::default();
        let figure = self.columns.place(FIGURE).unwrap_or_default();
        let marks: Vec<Option<String>> = self
            .rows
            .iter()
            .map(|row| match known.remove(&self.key(row)) {
                Some(old) if old.cells == row.cells => None,
                Some(old) => {
                    changes.revised += 1;
                    old.cells.get(figure).cloned()
                }
                None => {
                    changes.new += 1;
                    Some(String::new())
                }
            })
            .collect();
        changes.gone = known.len();
        let gone: Vec<Row> = known
            .into_values()
            .map(|old| {
                let mut row = Row { revised: true, withdrawn: true, ..Row::new(old.cells.clone()) };
                row.previous = row.cells.get_mut(figure).map(std::mem::take).unwrap_or_default();
                row
            })
            .collect();
        for (row, mark) in self.rows.iter_mut().zip(marks) {
            (row.revised, row.previous) = (mark.is_some(), mark.unwrap_or_default());
        }
        self.extend(gone);
        changes
    }

    /// As CSV.
    #[must_use]
    pub fn csv(&self) -> String {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let mut write = |record: Vec<&str>| writer.write_record(record).expect("a vector takes every record");
        write(self.names().collect());
        for row in &self.rows {
            let word = |is: bool| if is { "true" } else { "false" };
            let marks = [word(row.revised), row.previous.as_str(), word(row.withdrawn)];
            write(row.cells.iter().map(String::as_str).chain(marks).collect());
        }
        String::from_utf8(writer.into_inner().expect("a vector takes every record")).expect("texts are UTF-8")
    }

    /// As a list of objects, a row a line. Figures stay texts, so that no reader rounds them by reading.
    #[must_use]
    pub fn json(&self) -> String {
        let object = |row: &Row| {
            let cell = |((name, form), text): (Column, &String)| {
                let value = match form {
                    Form::Text if text.is_empty() => Value::Null,
                    Form::Text => Value::from(text.as_str()),
                    Form::Count => text.parse::<u64>().map_or(Value::Null, Value::from),
                    Form::Flag => Value::from(text == "true"),
                };
                (name.to_owned(), value)
            };
            let mut object: Map<String, Value> = self.columns.all().zip(&row.cells).map(cell).collect();
            object.insert(MARKS[0].to_owned(), Value::from(row.revised));
            let previous = (row.revised && !row.previous.is_empty()).then_some(row.previous.as_str());
            object.insert(MARKS[1].to_owned(), previous.map_or(Value::Null, Value::from));
            object.insert(MARKS[2].to_owned(), Value::from(row.withdrawn));
            Value::Object(object).to_string()
        };
        let rows: Vec<String> = self.rows.iter().map(object).collect();
        if rows.is_empty() { "[]\n".to_owned() } else { format!("[\n{}\n]\n", rows.join(",\n")) }
    }

    /// Reads what [`Self::csv`] wrote into a table of the same columns.
    ///
    /// # Errors
    /// The columns are others, or a line has not as many.
    pub fn read(&self, text: &str) -> Result<Table, TableFault> {
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let fault = |error: csv::Error| TableFault { line: error.position().map_or(1, csv::Position::line), what: error.to_string() };
        if !reader.headers().map_err(fault)?.iter().eq(self.names()) {
            return Err(TableFault { line: 1, what: "other columns".to_owned() });
        }
        let mut table = Table::new(self.columns);
        for record in reader.records() {
            let mut cells: Vec<String> = record.map_err(fault)?.iter().map(str::to_owned).collect();
            let withdrawn = cells.pop().is_some_and(|word| word == "true");
            let previous = cells.pop().unwrap_or_default();
            let revised = cells.pop().is_some_and(|word| word == "true");
            table.rows.push(Row { cells, revised, previous, withdrawn });
        }
        Ok(table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: &[(&str, &str, &str)]) -> Table {
        let mut table = Table::new(&DAYS);
        for (outlet, factor, value) in rows {
            let cells = ["S1", "厂", outlet, "口", "2026-03-14", factor, "", "", "mg/m3", "measured", "实测", value, "true", "24", "24", "", ""];
            table.push(Row::new(cells.map(str::to_owned).to_vec()));
        }
        table
    }

    #[test]
    fn what_differs_is_marked_with_its_figure_before_and_what_is_gone_is_withdrawn_once() {
        let before = table(&[("S1-G1", "a21026", "80"), ("S1-G1", "a21002", "50"), ("S1-G2", "a21026", "10")]);
        let mut after = table(&[("S1-G1", "a21026", "81.5"), ("S1-G1", "a21002", "50"), ("S1-G3", "a21026", "7")]);
        assert_eq!(after.mark(&before), Changes { revised: 1, new: 1, gone: 1 });
        let marks: Vec<(bool, &str)> = after.rows.iter().map(|row| (row.revised, row.previous.as_str())).collect();
        assert_eq!(marks, [(true, "80"), (false, ""), (true, ""), (true, "10")]);
        let [.., last] = &after.rows[..] else { unreachable!("four rows") };
        assert_eq!((last.cells[2].as_str(), last.cells[11].as_str(), last.withdrawn), ("S1-G2", "", true));
        let mut next = table(&[("S1-G1", "a21026", "81.5"), ("S1-G1", "a21002", "50"), ("S1-G3", "a21026", "7")]);
        assert!(next.mark(&after).is_none(), "marks are no figures, and what was withdrawn is not again");
        assert_eq!(next.len(), 3);
    }

    #[test]
    fn a_table_reads_back_and_other_columns_are_refused() {
        let mut written = table(&[("S1-G1", "a21026", "81.5")]);
        written.mark(&table(&[("S1-G1", "a21026", "80")]));
        assert_eq!(Table::new(&DAYS).read(&written.csv()), Ok(written.clone()));
        assert_eq!(Table::new(&HOURS).read(&written.csv()).expect_err("hours have a class").to_string(), "line 1: other columns");
        let json: Value = serde_json::from_str(&written.json()).expect("JSON");
        assert_eq!((&json[0]["value"], &json[0]["previous"], &json[0]["count"]), (&"81.5".into(), &"80".into(), &24.into()));
        assert_eq!((&json[0]["revised"], &json[0]["note"]), (&true.into(), &Value::Null));
    }
}
