//! CSV files into rows, with every fault named by file, line, column and mend, all at once.

use std::fmt;

/// One fault in the register's files.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// File name.
    pub file: &'static str,
    /// Line, from 1; 0: the file as a whole.
    pub line: u64,
    /// Column name; empty: the line as a whole.
    pub column: String,
    /// What is wrong, with the value.
    pub what: String,
    /// What to do.
    pub mend: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        if !self.column.is_empty() {
            write!(f, ": {}", self.column)?;
        }
        write!(f, ": {}; {}", self.what, self.mend)
    }
}

/// One line of a file, read column by column. Every reading method notes its own fault and gives a stand-in.
pub(super) struct Line<'t> {
    file: &'static str,
    line: u64,
    columns: &'t [&'static str],
    record: csv::StringRecord,
    faults: &'t mut Vec<Fault>,
    /// Whether a column of this line was faulty; such a line gives no row.
    pub(super) faulty: bool,
}

impl Line<'_> {
    /// The text of a column, trimmed.
    pub(super) fn text(&self, column: &'static str) -> String {
        self.raw(column).to_owned()
    }

    fn raw(&self, column: &'static str) -> &str {
        let at = self.columns.iter().position(|known| *known == column).unwrap_or(usize::MAX);
        self.record.get(at).unwrap_or_default().trim()
    }

    /// The text of a column that must not be empty.
    pub(super) fn required(&mut self, column: &'static str) -> String {
        let text = self.text(column);
        if text.is_empty() {
            self.fault(column, "empty".to_owned(), "give a value");
        }
        text
    }

    /// A column read by `parse`; the fault says what was expected.
    pub(super) fn parsed<T>(&mut self, column: &'static str, expected: &str, parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let text = self.text(column);
        let value = parse(&text);
        if value.is_none() {
            let what = if text.is_empty() { "empty".to_owned() } else { format!("{text:?} is not {expected}") };
            self.fault(column, what, &format!("write {expected}"));
        }
        value
    }

    /// An optional column: empty is `None`.
    pub(super) fn optional<T>(&mut self, column: &'static str, expected: &str, parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        if self.raw(column).is_empty() { None } else { self.parsed(column, expected, parse) }
    }

    /// Notes a fault in this line.
    pub(super) fn fault(&mut self, column: &str, what: String, mend: &str) {
        self.faulty = true;
        self.faults.push(Fault { file: self.file, line: self.line, column: column.to_owned(), what, mend: mend.to_owned() });
    }

    /// The line's number.
    pub(super) fn number(&self) -> u64 {
        self.line
    }
}

/// Reads a file's lines. The header must hold every column of `required` and may hold those of `optional`, each once, in any
/// order; the text of a column that it lacks is empty.
pub(super) fn read(
    file: &'static str,
    text: &str,
    required: &[&'static str],
    optional: &[&'static str],
    faults: &mut Vec<Fault>,
    mut each: impl FnMut(&mut Line<'_>),
) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let header: Vec<String> = match reader.headers() {
        Ok(header) => header.iter().map(|name| name.trim().to_owned()).collect(),
        Err(error) => {
            faults.push(Fault { file, line: 1, column: String::new(), what: error.to_string(), mend: "save the file as UTF-8 CSV".to_owned() });
            return;
        }
    };
    let columns: Vec<&'static str> = required.iter().chain(optional).copied().collect();
    let wrong = header_faults(file, &header, required, &columns);
    if !wrong.is_empty() {
        faults.extend(wrong);
        return;
    }
    let order: Vec<Option<usize>> = columns.iter().map(|column| header.iter().position(|name| name == column)).collect();
    for record in reader.records() {
        match record {
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                faults.push(Fault { file, line, column: String::new(), what: error.to_string(), mend: "save the file as UTF-8 CSV".to_owned() });
            }
            Ok(record) => {
                let number = record.position().map_or(0, csv::Position::line);
                if record.iter().all(|field| field.trim().is_empty()) {
                    continue;
                }
                if record.len() != header.len() {
                    let what = format!("{} fields, the header has {}", record.len(), header.len());
                    faults.push(Fault {
                        file,
                        line: number,
                        column: String::new(),
                        what,
                        mend: "quote a value that holds a comma, or fill the line".to_owned(),
                    });
                    continue;
                }
                let record: csv::StringRecord = order.iter().map(|at| at.and_then(|at| record.get(at)).unwrap_or_default()).collect();
                let mut line = Line { file, line: number, columns: &columns, record, faults, faulty: false };
                each(&mut line);
            }
        }
    }
}

/// What is wrong with a header: without a sound one no line can be read.
fn header_faults(file: &'static str, header: &[String], required: &[&'static str], columns: &[&'static str]) -> Vec<Fault> {
    let fault = |column: &str, what: &str, mend: String| Fault { file, line: 1, column: column.to_owned(), what: what.to_owned(), mend };
    let missing = required.iter().filter(|column| !header.iter().any(|name| name == *column));
    let unknown = header.iter().filter(|name| !columns.contains(&name.as_str()));
    let twice = header.iter().enumerate().filter(|(at, name)| header[..*at].contains(name));
    let missing = missing.map(|column| fault(column, "column is missing", "add it to the header".to_owned()));
    let unknown = unknown.map(|name| fault(name, "unknown column", format!("use one of {}", columns.join(","))));
    let twice = twice.map(|(_, name)| fault(name, "column stands twice", "keep one of the two".to_owned()));
    missing.chain(unknown).chain(twice).collect()
}
