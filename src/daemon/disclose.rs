//! `hj212d disclose`: a day of the key units for the public (信息公开), and which days are due.
//!
//! ```text
//! FOLDER/2026-03-14/r1/{hours,days,exceedances}.{csv,json}, manifest.json     a revision is written whole, or not at all
//! FOLDER/2026-03-14/r2/…                                                      what differs from r1 is marked in it
//! ```

use super::config::{self, DisclosureSettings};
use super::{Config, Failure, exit, readers, registry, small_runtime};
use crate::disclosure::{Changes, Disclosure, key_outlets};
use crate::domain::time::{Day, MINUTE_MS, Moment};
use crate::domain::{OutletDay, OutletId, RuleSet};
use crate::engine::{DayRow, StoredDay};
use crate::pipeline::clock::ArrivalClock;
use crate::registry::Registry;
use crate::store::{DatabaseUrl, Store, StoreError};
use crate::telemetry::metric;
use metrics::gauge;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::watch;

/// Something is overdue.
const OVERDUE: u8 = 1;
/// Days that one command discloses.
const DAYS_MAX: i32 = 366;
/// Time between two looks of a daemon at what is due.
const LOOK: Duration = Duration::from_secs(600);
/// Outlets that a message names.
const NAMED_MAX: usize = 10;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  hj212d disclose --day 2026-03-14 --to /srv/disclosure --data data\n  hj212d disclose --from 2026-03-01 --until 2026-03-31 --config /etc/hj212d/hj212d.toml\n  hj212d disclose --status --config /etc/hj212d/hj212d.toml\n  hj212d disclose --status --to /srv/disclosure --json --data data\n\nA day must be confirmed. Disclosed again, nothing is written where nothing differs, and what differs becomes the next revision. The\ncalendar of working days and the folder stand in [disclosure] of the configuration. --status ends with 1 when a day is overdue."
)]
#[command(group(clap::ArgGroup::new("what").required(true).args(["day", "from", "status"])))]
pub(super) struct Arguments {
    /// The day.
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = config::day)]
    day: Option<Day>,
    /// First of several days.
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = config::day, requires = "until")]
    from: Option<Day>,
    /// Last of them.
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = config::day, requires = "from")]
    until: Option<Day>,
    /// List the days that are disclosed, due and overdue; write nothing.
    #[arg(long)]
    status: bool,
    /// The folder; without it, disclosure.folder of the configuration.
    #[arg(long, value_name = "FOLDER")]
    to: Option<PathBuf>,
    /// As it stood at another instant than now.
    #[arg(long, value_name = "INSTANT", value_parser = config::moment, requires = "status")]
    at: Option<Moment>,
    /// One JSON object a day.
    #[arg(long, requires = "status")]
    json: bool,
    /// Configuration file; without it, the defaults and HJ212D_… variables.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The data folder; overrides the configuration.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// A file of a revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct FileOf {
    name: String,
    rows: usize,
    sha256: String,
}

/// What a revision takes the place of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Superseded {
    revision: u32,
    made_at: String,
    manifest_sha256: String,
    /// By table.
    changes: BTreeMap<String, serde_json::Value>,
}

/// `manifest.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Manifest {
    day: String,
    revision: u32,
    /// Always `confirmed`: a day that is provisional is not disclosed.
    status: String,
    made_at: String,
    confirmed_at: String,
    due: String,
    outlets: usize,
    registry: String,
    rule_set: String,
    files: Vec<FileOf>,
    supersedes: Option<Superseded>,
}

/// A revision as it lies in the folder.
struct Known {
    manifest: Manifest,
    manifest_sha256: String,
}

fn io(path: &Path) -> impl Fn(std::io::Error) -> Failure + Copy {
    move |error| Failure::new(exit::IO, format!("{}: {error}", path.display()))
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut config = Config::load(arguments.config.as_deref()).map_err(|error| Failure::new(exit::CONFIG, error.to_string()))?;
    config.data = arguments.data.clone().unwrap_or(config.data);
    if let Some(folder) = &arguments.to {
        config.disclosure.folder = Some(folder.clone());
    }
    let missing = || Failure::new(exit::CONFIG, "no folder; give --to FOLDER, or disclosure.folder in the configuration");
    let folder = config.disclosure.folder.clone().ok_or_else(missing)?;
    if arguments.status {
        let now = arguments.at.unwrap_or_else(|| ArrivalClock::wall().now());
        let database = readable(&config)?;
        return show(&small_runtime()?.block_on(standing(&database, &config.disclosure, &folder, now))?, now, arguments.json);
    }
    let (first, last) = match (arguments.day, arguments.from, arguments.until) {
        (Some(day), ..) => (day, day),
        (_, Some(from), Some(until)) => (from, until),
        // The group of the arguments asks for one of them.
        _ => return Err(Failure::new(exit::DATA, "no day; give --day, or --from and --until")),
    };
    if first > last || last.0 - first.0 >= DAYS_MAX {
        return Err(Failure::new(exit::DATA, format!("--from must not be after --until, nor {DAYS_MAX} days before it")));
    }
    let database = readable(&config)?;
    small_runtime()?.block_on(async {
        let mut house = House::open(&database).await?;
        let mut refused: Vec<Failure> = Vec::new();
        for day in (first.0..=last.0).map(Day) {
            match house.day(day).await {
                Ok(disclosure) => say!("{}", write(&folder, &house, &config.disclosure, day, disclosure)?),
                // The days after it have their own deadlines.
                Err(failure) if first < last => {
                    eprintln!("{}", failure.message);
                    refused.push(failure);
                }
                Err(failure) => return Err(failure),
            }
        }
        let Some(failure) = refused.first() else { return Ok(()) };
        Err(Failure::new(failure.code, format!("{} of {} days were not written", refused.len(), last.0 - first.0 + 1)))
    })
}

/// The database of the configuration; a file must exist.
fn readable(config: &Config) -> Result<DatabaseUrl, Failure> {
    match config.database() {
        DatabaseUrl::Sqlite(path) if !path.is_file() => {
            let what = format!("no database in {}; give the folder that serve writes to with --data", config.data.display());
            Err(Failure::new(exit::NO_INPUT, what))
        }
        database => Ok(database),
    }
}

/// What is stored, and by what it is read.
struct House {
    registry: Registry,
    /// When the first register was put in force: nothing is older.
    began: Moment,
    set: RuleSet,
    shards: Vec<DatabaseUrl>,
    stores: BTreeMap<u32, Store>,
}

impl House {
    async fn open(database: &DatabaseUrl) -> Result<Self, Failure> {
        let shards = Store::shards(database).await.map_err(readers::failed(database))?;
        let versions = readers::versions(&shards).await?;
        let registry = registry::ready(&versions, Path::new(&database.to_string()))?;
        let set = readers::rule_set(&versions)?;
        let mut stores = BTreeMap::new();
        for shard in &shards {
            stores.insert(shard.shard(), readers::open(shard).await?);
        }
        Ok(Self { registry, began: readers::began(&versions), set, shards, stores })
    }

    /// The tables of a day, every outlet of which is confirmed.
    async fn day(&mut self, day: Day) -> Result<(Disclosure, usize), Failure> {
        let outlets = key_outlets(&self.registry, day);
        if outlets.is_empty() {
            let what = format!("no outlet of a key unit is in force on {day}: sites.csv has them by key_unit_from");
            return Err(Failure::new(exit::NO_INPUT, what));
        }
        let (mut disclosure, mut open): (_, Vec<OutletId>) = (Disclosure::empty(), Vec::new());
        let count = outlets.len();
        // By their names, whatever the shard: two runs write the same order.
        let shards = readers::by_shard(&self.shards, &self.registry, outlets.iter().copied())?;
        let shard_of: BTreeMap<OutletId, u32> =
            shards.into_iter().flat_map(|(shard, outlets)| outlets.into_iter().map(|outlet| (outlet, shard.shard()))).collect();
        for (outlet, shard) in shard_of {
            let Some(store) = self.stores.get_mut(&shard) else { continue };
            let key = OutletDay { outlet, day };
            let failed = |error: StoreError| Failure::new(exit::SOFTWARE, format!("{outlet}: {error}"));
            let row = match store.day_row(key).await.map_err(failed)? {
                Some(row) if row.confirmed => row,
                // Nobody knew of the outlet on that day: it was registered later, and nothing of it ever came.
                None if day >= self.began.day() && store.engine_time().await.map_err(failed)? >= confirmed_at(day, &self.set) => DayRow::default(),
                _ => {
                    open.push(outlet);
                    continue;
                }
            };
            let held = StoredDay::new(key, row, &self.registry);
            if let Some(row) = self.registry.outlet(outlet, day.start()) {
                disclosure.add(&self.registry, &self.set, row, day, &held.series(&self.registry, &self.set));
            }
        }
        if !open.is_empty() {
            let names: Vec<String> = open.iter().take(NAMED_MAX).map(OutletId::to_string).collect();
            let more = if open.len() > NAMED_MAX { format!(" and {} more", open.len() - NAMED_MAX) } else { String::new() };
            let at = confirmed_at(day, &self.set);
            let what = format!("{day} is not confirmed at {}{more}: nothing was written; a day is confirmed at {at}", names.join(", "));
            return Err(Failure::new(exit::DATA, what));
        }
        Ok((disclosure, count))
    }
}

fn confirmed_at(day: Day, set: &RuleSet) -> Moment {
    day.end().plus_ms(i64::from(set.day_confirmed_after_min.value) * MINUTE_MS)
}

/// The newest revision of a day, if there is one.
fn newest(folder: &Path, day: Day) -> Result<Option<Known>, Failure> {
    let of_day = folder.join(day.to_string());
    let entries = match fs::read_dir(&of_day) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io(&of_day)(error)),
    };
    let mut revision = 0;
    for entry in entries {
        let name = entry.map_err(io(&of_day))?.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix('r')).and_then(|number| number.parse::<u32>().ok());
        revision = revision.max(number.unwrap_or_default());
    }
    if revision == 0 {
        return Ok(None);
    }
    let path = of_day.join(format!("r{revision}")).join("manifest.json");
    let bytes = fs::read(&path).map_err(io(&path))?;
    let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|error| Failure::new(exit::DATA, format!("{}: {error}", path.display())))?;
    Ok(Some(Known { manifest, manifest_sha256: sha256(&bytes) }))
}

/// What was disclosed, as its manifest says it is.
fn disclosed(folder: &Path, known: &Manifest) -> Result<Disclosure, Failure> {
    let of_revision = folder.join(&known.day).join(format!("r{}", known.revision));
    let mut disclosure = Disclosure::empty();
    for (name, table) in disclosure.tables_mut() {
        let path = of_revision.join(format!("{name}.csv"));
        let text = fs::read_to_string(&path).map_err(io(&path))?;
        let file = known.files.iter().find(|file| file.name == format!("{name}.csv"));
        if file.is_none_or(|file| file.sha256 != sha256(text.as_bytes())) {
            let what = format!("{} is not what its manifest says: put the file back as it was disclosed", path.display());
            return Err(Failure::new(exit::DATA, what));
        }
        *table = table.read(&text).map_err(|fault| Failure::new(exit::DATA, format!("{}: {fault}", path.display())))?;
    }
    Ok(disclosure)
}

/// Writes a day's next revision, if it says anything else than the one before; says what was done.
fn write(
    folder: &Path,
    house: &House,
    settings: &DisclosureSettings,
    day: Day,
    (mut disclosure, outlets): (Disclosure, usize),
) -> Result<String, Failure> {
    let before = newest(folder, day)?;
    let mut changes: BTreeMap<String, Changes> = BTreeMap::new();
    if let Some(before) = &before {
        let old = disclosed(folder, &before.manifest)?;
        for ((name, table), (_, old)) in disclosure.tables_mut().zip(old.tables()) {
            changes.insert(name.to_owned(), table.mark(old));
        }
        if changes.values().all(|changes| changes.is_none()) {
            let revision = before.manifest.revision;
            return Ok(format!("{day} r{revision} 无变化，未写入 nothing differs, nothing was written"));
        }
    }
    let revision = before.as_ref().map_or(1, |before| before.manifest.revision + 1);
    let mut texts: Vec<(String, usize, String)> = Vec::new();
    for (name, table) in disclosure.tables() {
        texts.push((format!("{name}.csv"), table.len(), table.csv()));
        texts.push((format!("{name}.json"), table.len(), table.json()));
    }
    let confirmed = confirmed_at(day, &house.set);
    let supersedes = before.map(|before| Superseded {
        revision: before.manifest.revision,
        made_at: before.manifest.made_at,
        manifest_sha256: before.manifest_sha256,
        changes: changes.iter().map(|(name, changes)| (name.clone(), serde_json::json!(changes))).collect(),
    });
    let manifest = Manifest {
        day: day.to_string(),
        revision,
        status: "confirmed".to_owned(),
        made_at: ArrivalClock::wall().now().to_string(),
        confirmed_at: confirmed.to_string(),
        due: settings.calendar.due(confirmed).to_string(),
        outlets,
        registry: house.registry.version().to_owned(),
        rule_set: house.set.version(),
        files: texts.iter().map(|(name, rows, text)| FileOf { name: name.clone(), rows: *rows, sha256: sha256(text.as_bytes()) }).collect(),
        supersedes,
    };
    let text = serde_json::to_string_pretty(&manifest).map_err(|error| Failure::new(exit::SOFTWARE, error.to_string()))? + "\n";
    let files: Vec<(&str, &str)> =
        texts.iter().map(|(name, _, text)| (name.as_str(), text.as_str())).chain([("manifest.json", text.as_str())]).collect();
    put(folder, day, revision, &files)?;
    let rows: Vec<String> = disclosure.tables().map(|(name, table)| format!("{name} {}", table.len())).collect();
    let marked: usize = changes.values().map(|changes| changes.revised + changes.new + changes.gone).sum();
    let marked = if revision > 1 { format!("，{marked} 行有变 rows differ") } else { String::new() };
    Ok(format!("{day} r{revision} 已公开 disclosed: {outlets} 个排放口 outlets, {}{marked}", rows.join(", ")))
}

/// Writes a revision beside its place, syncs it, and puts it there in one step: nobody ever reads half of one.
fn put(folder: &Path, day: Day, revision: u32, files: &[(&str, &str)]) -> Result<(), Failure> {
    let of_day = folder.join(day.to_string());
    let (place, made) = (of_day.join(format!("r{revision}")), of_day.join(format!(".r{revision}-{}", std::process::id())));
    fs::create_dir_all(&of_day).map_err(io(&of_day))?;
    if made.exists() {
        fs::remove_dir_all(&made).map_err(io(&made))?;
    }
    fs::create_dir(&made).map_err(io(&made))?;
    let written = (|| {
        for (name, text) in files {
            let mut file = File::create_new(made.join(name))?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
        }
        File::open(&made)?.sync_all()?;
        // A folder that has something in it is never replaced.
        fs::rename(&made, &place)?;
        File::open(&of_day)?.sync_all()?;
        File::open(folder)?.sync_all()
    })();
    written.map_err(|error| {
        let _ = fs::remove_dir_all(&made);
        io(&place)(error)
    })
}

/// How it stands with one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Standing {
    day: Day,
    due: Day,
    /// Revision, and when it was made.
    disclosed: Option<(u32, String)>,
    overdue: bool,
}

/// How it stands with every day that is confirmed, the oldest first.
pub(super) async fn standing(database: &DatabaseUrl, settings: &DisclosureSettings, folder: &Path, now: Moment) -> Result<Vec<Standing>, Failure> {
    let shards = Store::shards(database).await.map_err(readers::failed(database))?;
    let versions = readers::versions(&shards).await?;
    let (registry, set) = (registry::ready(&versions, Path::new(&database.to_string()))?, readers::rule_set(&versions)?);
    let first = settings.since.unwrap_or_else(|| readers::began(&versions).day().next());
    let mut days = Vec::new();
    for day in (first.0..=now.day().0).map(Day) {
        let confirmed = confirmed_at(day, &set);
        if confirmed > now || key_outlets(&registry, day).is_empty() {
            continue;
        }
        let (due, known) = (settings.calendar.due(confirmed), newest(folder, day)?);
        let disclosed = known.map(|known| (known.manifest.revision, known.manifest.made_at));
        let overdue = disclosed.is_none() && now >= due.end();
        days.push(Standing { day, due, disclosed, overdue });
    }
    Ok(days)
}

/// Days that are due and not disclosed, and those of them that are overdue.
pub(super) fn counts(days: &[Standing]) -> (usize, usize) {
    let open = days.iter().filter(|day| day.disclosed.is_none());
    (open.clone().count(), open.filter(|day| day.overdue).count())
}

fn show(days: &[Standing], now: Moment, json: bool) -> Result<(), Failure> {
    for day in days {
        let state = match (&day.disclosed, day.overdue) {
            (Some(_), _) => ("disclosed", "已公开 disclosed"),
            (None, true) => ("overdue", "已逾期 OVERDUE"),
            (None, false) => ("due", "待公开 due"),
        };
        if json {
            let (revision, made_at) = day.disclosed.clone().unzip();
            let (of, due) = (day.day.to_string(), day.due.to_string());
            say!("{}", serde_json::json!({"day": of, "state": state.0, "due": due, "revision": revision, "made_at": made_at}));
        } else {
            let revision = day.disclosed.as_ref().map_or_else(String::new, |(revision, made_at)| format!("，r{revision}，{made_at}"));
            say!("{}  {}，期限 by {}{revision}", day.day, state.1, day.due);
        }
    }
    let (due, overdue) = counts(days);
    if !json {
        say!("截至 as of {now}：已公开 disclosed {}，待公开 due {}，已逾期 overdue {overdue}", days.len() - due, due - overdue);
    }
    if overdue > 0 {
        return Err(Failure::new(OVERDUE, format!("{overdue} days are overdue; hj212d disclose --day DAY discloses one")));
    }
    Ok(())
}

/// Counts what is due until `stop` turns true, where a folder is configured.
pub(super) async fn watch_days(config: Config, clock: ArrivalClock, mut stop: watch::Receiver<bool>) {
    let Some(folder) = config.disclosure.folder.clone() else { return };
    let (database, settings) = (config.database(), config.disclosure);
    loop {
        // In a thread of its own: it reads every register that ever was, and nothing else should wait for that.
        let (database, settings, folder, now) = (database.clone(), settings.clone(), folder.clone(), clock.now());
        let look = tokio::task::spawn_blocking(move || small_runtime()?.block_on(standing(&database, &settings, &folder, now)));
        let looked = tokio::select! {
            looked = look => looked,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        match looked.unwrap_or_else(|_| Err(Failure::new(exit::SOFTWARE, "it broke an invariant; its message stands above"))) {
            Ok(days) => {
                let (due, overdue) = counts(&days);
                gauge!(metric::DISCLOSURE_DUE).set(due as f64);
                gauge!(metric::DISCLOSURE_OVERDUE).set(overdue as f64);
            }
            Err(failure) => tracing::warn!(reason = failure.message, "the days that are due for disclosure cannot be counted"),
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK / clock.scale()) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}
