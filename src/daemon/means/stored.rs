//! What a data folder holds about an outlet's days.

use super::*;

/// What a data folder holds about an outlet's days.
pub(super) struct Stored {
    pub(super) registry: Registry,
    pub(super) set: RuleSet,
    pub(super) outlet: OutletId,
    pub(super) loggers: Vec<Mn>,
    pub(super) only: Option<FactorCode>,
    pub(super) days: BTreeMap<Day, StoredDay>,
    pub(super) declarations: Vec<Declaration>,
    /// When the first register was put in force: nothing is older.
    pub(super) began: Moment,
    /// Engine time: an hour that cannot be closed yet is not counted.
    pub(super) until: Moment,
}

impl Stored {
    pub(super) async fn load(arguments: &Arguments, period: &Period) -> Result<Self, Failure> {
        let data = arguments.data.display();
        let shards = readers::shards(&arguments.data).await?;
        let versions = readers::versions(&shards).await?;
        let unreadable = |what: String| Failure::new(exit::SOFTWARE, what);
        let registry = registry::ready(&versions, &arguments.data)?;
        let set = readers::rule_set(&versions)?;
        let outlet = known_outlet(&registry, &arguments.outlet, period.first.start())?;
        // The engine of the outlet's shard knows of it, and no other.
        let number = shard_of(&registry.key_of_outlet(outlet), shards.len() as u32);
        let shard = shards.iter().find(|shard| shard.shard() == number);
        let shard = shard.ok_or_else(|| unreadable(format!("the shard {number} of {outlet} was never written")))?;
        let (mut store, failed) = (readers::open(shard).await?, readers::failed(shard));
        let only = arguments.factor.as_deref().map(|code| known_factor(&registry, outlet, code)).transpose()?;
        let until = store.engine_time().await.map_err(failed)?;
        let declarations = store.declarations().await.map_err(failed)?.into_iter().filter(|known| known.outlet == outlet).collect();
        let mut days = BTreeMap::new();
        let reach = if arguments.quarter.is_some() { HISTORY_DAYS } else { 0 };
        for day in (period.first.0 - reach..=period.last.0).map(Day) {
            let key = OutletDay { outlet, day };
            if let Some(row) = store.day_row(key).await.map_err(failed)?.filter(|row| row.has_data()) {
                days.insert(day, StoredDay::new(key, row, &registry));
            }
        }
        let stored =
            Self { loggers: registry.loggers_of(outlet), registry, set, outlet, only, days, declarations, began: readers::began(&versions), until };
        if period.days().any(|day| stored.days.contains_key(&day)) {
            return Ok(stored);
        }
        let mut near = Vec::new();
        for side in [-1, 1] {
            for distance in 1..=NEAR_DAYS {
                let from = if side < 0 { period.first } else { period.last };
                let day = Day(from.0 + side * distance);
                if store.day_row(OutletDay { outlet, day }).await.map_err(failed)?.is_some_and(|row| row.has_data()) {
                    near.push(day.to_string());
                    break;
                }
            }
        }
        let advice = match near.as_slice() {
            [] => format!("there are none within {NEAR_DAYS} days of it either: is {data} the folder that serve writes to?"),
            days => format!("the nearest are of {}", days.join(" and ")),
        };
        Err(Failure::new(exit::NO_INPUT, format!("no data of {outlet} for {}; {advice}", period.name)))
    }

    /// Whether an hour is over, late minutes included.
    pub(super) fn is_closed(&self, hour: Hour) -> bool {
        closes(hour, &self.set) <= self.until
    }

    pub(super) fn is_shown(&self, factor: FactorCode) -> bool {
        self.only.is_none_or(|only| only == factor)
    }

    /// The factors to be shown: those of the register, and those of which something came.
    pub(super) fn factors<'s, 'd: 's>(&self, series: impl Iterator<Item = &'s SeriesDay<'d>>) -> BTreeSet<FactorCode> {
        let all = self.registry.factors(self.outlet).chain(series.map(|series| series.factor));
        all.filter(|factor| self.is_shown(*factor)).collect()
    }

    pub(super) fn is_registered(&self, factor: FactorCode, at: Moment) -> bool {
        self.loggers.iter().any(|mn| self.registry.series(*mn, self.outlet, factor, at).is_some())
    }

    /// The unit of a factor's numbers; empty for a mere number.
    pub(super) fn unit(&self, factor: FactorCode, at: Moment) -> &str {
        let row = self.loggers.iter().find_map(|mn| self.registry.series(*mn, self.outlet, factor, at));
        let unit = row.map_or_else(|| factor::find(factor.as_str()).map_or("", |row| row.unit), |row| row.unit.as_str());
        if matches!(unit, "-" | "1") { "" } else { unit }
    }

    /// Whether hours of the factor make amounts.
    pub(super) fn is_concentration(&self, factor: FactorCode, at: Moment) -> bool {
        let Some(outlet) = self.registry.outlet(self.outlet, at) else { return false };
        let unit = self.unit(factor, at).to_ascii_lowercase();
        let fits = match outlet.medium {
            Medium::Gas => matches!(unit.as_str(), "mg/m3" | "mg/m³"),
            Medium::Water => unit == "mg/l",
        };
        fits && factor.as_str() != PH && ![outlet.flow_factor, outlet.oxygen_factor, outlet.temperature_factor].contains(&Some(factor))
    }

    /// What stands at the head of every report.
    pub(super) fn head(&self, day: Day) -> Map<String, Value> {
        let outlet = self.registry.outlet(self.outlet, day.start());
        let site = outlet.and_then(|outlet| self.registry.site(outlet.site));
        let head = json!({
            "site": site.map(|site| json!({"id": site.id, "name": site.name, "name_en": site.name_en, "region": site.region})),
            "outlet": outlet.map(|outlet| json!({"id": outlet.id, "name": outlet.name, "name_en": outlet.name_en, "medium": outlet.medium,
                "reference_oxygen_pct": outlet.reference_oxygen})),
            "versions": {"registry": self.registry.version(), "rule_set": self.set.version()},
            "counted_until": self.until.to_string(),
        });
        match head {
            Value::Object(head) => head,
            _ => Map::new(),
        }
    }
}

pub(super) fn closes(hour: Hour, set: &RuleSet) -> Moment {
    hour.end().plus_ms(i64::from(set.hour_provisional_after_min.value) * MINUTE_MS)
}

pub(super) fn known_outlet(registry: &Registry, name: &str, at: Moment) -> Result<OutletId, Failure> {
    let known = OutletId::new(name).filter(|outlet| registry.outlet(*outlet, at).is_some());
    known.ok_or_else(|| {
        let names: Vec<String> = registry.outlets(at).map(|outlet| outlet.id.to_string()).collect();
        Failure::new(exit::NO_INPUT, format!("no outlet {name:?} in the register in force; {}", near(name, names)))
    })
}

pub(super) fn known_factor(registry: &Registry, outlet: OutletId, code: &str) -> Result<FactorCode, Failure> {
    let known = FactorCode::new(code).filter(|code| registry.factors(outlet).any(|factor| factor == *code));
    known.ok_or_else(|| {
        let names: Vec<String> = registry.factors(outlet).map(|factor| factor.to_string()).collect();
        Failure::new(exit::NO_INPUT, format!("no factor {code:?} at {outlet} in the register in force; {}", near(code, names)))
    })
}

/// Up to three names that are near the one that was given, or the first ones.
pub(super) fn near(name: &str, names: Vec<String>) -> String {
    let count = names.len();
    let mut ranked: Vec<(usize, String)> = names.iter().map(|known| (distance(name, known), known.clone())).collect();
    ranked.sort();
    let close = ranked.into_iter().filter(|(distance, _)| *distance <= (name.chars().count() / 3).max(2));
    let close: Vec<String> = close.map(|(_, known)| known).take(3).collect();
    if !close.is_empty() {
        return format!("near it: {}", close.join(", "));
    }
    if count == 0 {
        "it has none".to_owned()
    } else {
        format!("it has {count}: {}{}", names[..count.min(3)].join(", "), if count > 3 { " …" } else { "" })
    }
}

/// Letters that must be put in, taken out or changed to make one name of the other.
pub(super) fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in one.to_lowercase().chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], at + 1);
        for (place, known) in other.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *known);
            diagonal = row[place + 1];
            row[place + 1] = changed.min(diagonal + 1).min(row[place] + 1);
        }
    }
    row[other.len()]
}
