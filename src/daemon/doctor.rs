//! `hj212d doctor`: looks at everything that the daemon rests on, and says of each what is wrong and how it is mended. Writes nothing,
//! and may run beside the daemon.

use super::house::IN_SYNC_MIN;
use super::{Config, Failure, disclose, exit, readers, small_runtime};
use crate::broker::look_at_topics;
use crate::domain::time::{HOUR_MS, Moment};
use crate::domain::{Basis, RuleSet, Series};
use crate::message::DISPOSITIONS;
use crate::pipeline::appending::REGISTER;
use crate::pipeline::clock::ArrivalClock;
use crate::registry::{Files, Registry};
use crate::sinks::topics::plans;
use crate::store::{DatabaseUrl, JOURNAL, Store};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Below this share of free disk it is a fault (the alert's figure), below twice this a warning.
const DISK_PCT_MIN: u64 = 5;
/// Descriptors that the daemon needs besides its connections.
const DESCRIPTORS_BESIDE: u64 = 128;
/// A running daemon's engine time may be so far behind the clock.
const ENGINE_BEHIND_MS: i64 = 60_000;
/// Milliseconds of one core that an outlet's day takes to close its last hour and to be published, or to be confirmed (ten factors, all
/// rules; ours: benches/README.md). Half of a core should be left for what comes meanwhile.
const OUTLET_DAY_MS: u64 = 7;
/// Outlets that are named one by one.
const NAMED_MAX: usize = 10;
/// Files of the time services that Debian has; one of them says that the clock is being kept.
const TIME_SERVICES: [&str; 3] = ["/run/systemd/timesync/synchronized", "/run/chrony/chronyd.pid", "/run/ntpd.pid"];

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  hj212d doctor --config /etc/hj212d/hj212d.toml\n  HJ212D_KAFKA__BROKERS=kafka:9092 hj212d doctor --data data\n\nWrites nothing. Run it as the daemon's user, with its variables: what it may not see it cannot judge. Exit code 0: nothing is wrong, warnings or not; 69: something is."
)]
pub(super) struct Arguments {
    /// Configuration file; without it, the defaults and HJ212D_… variables.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Data folder; overrides the configuration.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

/// How it stands with one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Fine,
    Warning,
    Fault,
}

/// What was looked at, what was seen, and what to do; Chinese and English.
struct Look {
    about: (&'static str, &'static str),
    state: State,
    says: (String, String),
    mend: (String, String),
}

impl Look {
    fn fine(about: (&'static str, &'static str), zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self { about, state: State::Fine, says: (zh.into(), en.into()), mend: Default::default() }
    }

    fn bad(about: (&'static str, &'static str), state: State, zh: impl Into<String>, en: impl Into<String>, mend: (&str, &str)) -> Self {
        Self { about, state, says: (zh.into(), en.into()), mend: (mend.0.to_owned(), mend.1.to_owned()) }
    }

    fn show(&self) {
        let word = match self.state {
            State::Fine => "正常 fine",
            State::Warning => "注意 warn",
            State::Fault => "故障 FAULT",
        };
        say!("{word:<9} {} {}: {}", self.about.0, self.about.1, self.says.0);
        say!("          {}", self.says.1);
        if self.state != State::Fine {
            say!("          处理：{}", self.mend.0);
            say!("          mend: {}", self.mend.1);
        }
    }

    fn line(&self) -> serde_json::Value {
        let state = match self.state {
            State::Fine => "fine",
            State::Warning => "warning",
            State::Fault => "fault",
        };
        json!({"about": self.about.1, "state": state, "zh": self.says.0, "en": self.says.1, "mend_zh": self.mend.0, "mend_en": self.mend.1})
    }
}

const DISK: (&str, &str) = ("磁盘", "disk");
const DESCRIPTORS: (&str, &str) = ("文件描述符", "descriptors");
const CLOCK: (&str, &str) = ("时钟", "clock");
const DATABASE: (&str, &str) = ("数据库", "database");
const REGISTRY: (&str, &str) = ("台账", "registry");
const SPREAD: (&str, &str) = ("错峰", "spread");
const KAFKA: (&str, &str) = ("Kafka", "kafka");
const DISCLOSURE: (&str, &str) = ("信息公开", "disclosure");

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut config = Config::load(arguments.config.as_deref()).map_err(|error| Failure::new(exit::CONFIG, error.to_string()))?;
    config.data = arguments.data.clone().unwrap_or(config.data);
    let mut looks = vec![disk(&config.data), descriptors(config.connections_max as u64), time_service()];
    small_runtime()?.block_on(async {
        let engine_time = database(&config, &mut looks).await;
        kafka(&config, engine_time, &mut looks).await;
        looks.extend(disclosure(&config).await);
    });
    for look in &looks {
        if arguments.json { say!("{}", look.line()) } else { look.show() }
    }
    let faults = looks.iter().filter(|look| look.state == State::Fault).count();
    if faults > 0 { Err(Failure::new(exit::UNAVAILABLE, format!("{faults} of {} are at fault", looks.len()))) } else { Ok(()) }
}

/// Days that the public waits for; nothing is said where no folder is configured, or nothing was ever stored.
async fn disclosure(config: &Config) -> Option<Look> {
    let folder = config.disclosure.folder.as_deref()?;
    if !Store::exists(&config.database()).await.unwrap_or(false) {
        return None;
    }
    let mend = ("核对 disclosure.folder 及其权限", "look at disclosure.folder and who may read it");
    let days = match disclose::standing(&config.database(), &config.disclosure, folder, ArrivalClock::wall().now()).await {
        Ok(days) => days,
        Err(failure) => return Some(Look::bad(DISCLOSURE, State::Fault, failure.message.clone(), failure.message, mend)),
    };
    let (due, overdue) = disclose::counts(&days);
    let (zh, en) = (format!("{due} 日待公开，其中 {overdue} 日已逾期"), format!("{due} days are to be disclosed, {overdue} of them are overdue"));
    if overdue == 0 {
        return Some(Look::fine(DISCLOSURE, zh, en));
    }
    let mend = ("hj212d disclose --status 列出逾期日，--day 公开", "hj212d disclose --status lists them, --day discloses one");
    Some(Look::bad(DISCLOSURE, State::Warning, zh, en, mend))
}

fn disk(data: &Path) -> Look {
    if !data.is_dir() {
        let mend = ("建立该目录，归运行用户所有", "make it, owned by the daemon's user");
        return Look::bad(
            DISK,
            State::Fault,
            format!("没有数据目录 {}", data.display()),
            format!("there is no data folder {}", data.display()),
            mend,
        );
    }
    if let Err(error) = rustix::fs::access(data, rustix::fs::Access::WRITE_OK) {
        let mend = ("以运行用户执行本命令，并核对目录的所有者", "run this as the daemon's user, and look at the folder's owner");
        return Look::bad(
            DISK,
            State::Fault,
            format!("{} 不可写：{error}", data.display()),
            format!("{} cannot be written: {error}", data.display()),
            mend,
        );
    }
    let room = match rustix::fs::statvfs(data) {
        Ok(room) => room,
        Err(error) => return Look::bad(DISK, State::Fault, error.to_string(), error.to_string(), ("检查挂载", "look at the mount")),
    };
    let gib = |blocks: u64| (blocks * room.f_frsize) as f64 / f64::from(1 << 30);
    let pct = (room.f_bavail * 100).checked_div(room.f_blocks).unwrap_or(0);
    let inodes = (room.f_favail * 100).checked_div(room.f_files).unwrap_or(100);
    let least = pct.min(inodes);
    let zh = format!("剩余 {:.1} GiB，占 {pct} %（索引节点 {inodes} %）", gib(room.f_bavail));
    let en = format!("{:.1} GiB are free, {pct} % (inodes {inodes} %)", gib(room.f_bavail));
    let mend = (
        "扩容，或移走 out/ 中的旧文件；见 docs/operations.md「磁盘将满」",
        "enlarge it, or move old files out of out/; docs/operations.md, \"The disk fills\"",
    );
    match least {
        _ if least < DISK_PCT_MIN => Look::bad(DISK, State::Fault, zh, en, mend),
        _ if least < 2 * DISK_PCT_MIN => Look::bad(DISK, State::Warning, zh, en, mend),
        _ => Look::fine(DISK, zh, en),
    }
}

fn descriptors(connections: u64) -> Look {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX);
    let needed = connections + DESCRIPTORS_BESIDE;
    let (zh, en) = (format!("此处上限 {limit}，需要 {needed}"), format!("{limit} may be open here, {needed} are needed"));
    if limit >= needed {
        return Look::fine(DESCRIPTORS, zh, en);
    }
    let mend = (
        "服务单元已设 LimitNOFILE；其他方式启动时先执行 ulimit -n，或减小 listen.connections_max",
        "the unit sets LimitNOFILE; started otherwise, raise ulimit -n first, or lower listen.connections_max",
    );
    Look::bad(DESCRIPTORS, State::Warning, zh, en, mend)
}

fn time_service() -> Look {
    match TIME_SERVICES.iter().find(|file| Path::new(file).exists()) {
        Some(file) => Look::fine(CLOCK, format!("时间服务在运行（{file}）"), format!("a time service runs ({file})")),
        None => Look::bad(
            CLOCK,
            State::Warning,
            "未发现时间服务",
            "no time service was found",
            ("安装 chrony；容器中由宿主机对时", "install chrony; in a container the host keeps the clock"),
        ),
    }
}

/// Gives the engine time, if there is one.
async fn database(config: &Config, looks: &mut Vec<Look>) -> Option<Moment> {
    let database = config.database();
    if let DatabaseUrl::Postgres(url) = &database {
        match url.health().await {
            Err(error) => {
                let mend = ("核对地址、口令和服务器日志", "look at address, password and the server's log");
                looks.push(Look::bad(DATABASE, State::Fault, format!("{database}：{error}"), format!("{database}: {error}"), mend));
                return None;
            }
            Ok(health) => {
                for (zh, en, mend) in health.faults() {
                    looks.push(Look::bad(DATABASE, State::Fault, zh, en, mend));
                }
            }
        }
    }
    match opened(&database).await {
        Ok(None) => {
            looks.push(Look::fine(
                DATABASE,
                format!("{database} 尚未写入；serve 首次启动时建立"),
                format!("nothing was ever written to {database}; serve makes it at its first start"),
            ));
            None
        }
        Ok(Some(Opened { now, registry, rules, shards })) => {
            looks.push(Look::fine(DATABASE, format!("{database} 可读，引擎时间 {now}"), format!("{database} can be read, engine time is {now}")));
            looks.extend(engine_time(now, config.local_socket().exists()));
            looks.push(holes(registry.as_ref(), now));
            // Shards share the cores of their workers, and how many those are nobody here knows.
            if let Some(registry) = registry.filter(|_| shards == 1) {
                looks.push(spread(registry.outlets(now).count() as u64, &rules));
            }
            Some(now)
        }
        Err(Failure { message, .. }) => {
            let mend = ("保留数据目录，执行 hj212d verify", "keep the data folder, and run hj212d verify");
            looks.push(Look::bad(DATABASE, State::Fault, message.clone(), message, mend));
            None
        }
    }
}

/// What a database says of itself.
struct Opened {
    /// Engine time, of the shard that is furthest behind.
    now: Moment,
    /// The register in force.
    registry: Option<Registry>,
    /// The rule set in force.
    rules: RuleSet,
    /// Shards that share the outlets; at least one.
    shards: usize,
}

async fn opened(database: &DatabaseUrl) -> Result<Option<Opened>, Failure> {
    let shards = Store::shards(database).await.map_err(readers::failed(database))?;
    let mut now: Option<Moment> = None;
    for shard in &shards {
        let time = readers::open(shard).await?.engine_time().await.map_err(readers::failed(shard))?;
        now = Some(now.map_or(time, |now| now.min(time)));
    }
    let Some(now) = now else { return Ok(None) };
    let versions = readers::versions(&shards).await?;
    let rules = versions.iter().rfind(|version| !version.registry).and_then(|version| std::str::from_utf8(&version.content).ok());
    let rules = rules.and_then(|text| RuleSet::parse(text).ok()).unwrap_or_default();
    let mut opened = Opened { now, registry: None, rules, shards: shards.len() };
    if let Some(version) = versions.iter().rfind(|version| version.registry) {
        let files: Files = super::registry::files_of(version)?;
        opened.registry = Registry::parse(&files).ok();
    }
    Ok(Some(opened))
}

/// Whether the deadlines of so many outlets in one engine lie far enough from each other for answers to go out in between.
fn spread(outlets: u64, rules: &RuleSet) -> Look {
    let wanted = (outlets * OUTLET_DAY_MS * 2).div_ceil(1000);
    let publishing = wanted.min(u64::from(RuleSet::SPREAD_SECS_MAX));
    let confirming = wanted.min(u64::from(RuleSet::CONFIRM_SPREAD_SECS_MAX));
    let (set, confirm_set) = (rules.spread_secs.value, rules.confirm_spread_secs.value);
    if u64::from(set) >= publishing && u64::from(confirm_set) >= confirming {
        return Look::fine(
            SPREAD,
            format!("{outlets} 个排放口的结算分散在 {set} 秒内，确认分散在 {confirm_set} 秒内"),
            format!("the deadlines of {outlets} outlets lie within {set} s, confirmations within {confirm_set} s"),
        );
    }
    let mend = (
        "hj212d rules print，修改上述数值后 rules import；次日生效（docs/operations.md「大规模接入」）",
        "hj212d rules print, change the figures, rules import; they count from the next day on (docs/operations.md, \"Large fleets\")",
    );
    Look::bad(
        SPREAD,
        State::Warning,
        format!(
            "{outlets} 个排放口的结算挤在 {set} 秒内、确认挤在 {confirm_set} 秒内，其间应答迟缓；\
             建议 spread_secs = {publishing}，confirm_spread_secs = {confirming}"
        ),
        format!(
            "the deadlines of {outlets} outlets lie within {set} s and confirmations within {confirm_set} s, and answers wait for them; \
             spread_secs = {publishing} and confirm_spread_secs = {confirming} leave half of a core for answers"
        ),
        mend,
    )
}

fn engine_time(now: Moment, socket: bool) -> Option<Look> {
    let ahead = now.0 - ArrivalClock::wall().now().0;
    if ahead > 0 {
        let (zh, en) = (
            format!("引擎时间比系统时钟快 {} 秒，在此之前小时与日均不结算", ahead / 1000),
            format!("engine time is {} s ahead of the clock; until then no hour and no day closes", ahead / 1000),
        );
        let mend = ("校准时钟；演示用的数据目录不能用于正式运行", "set the clock right; a data folder of a demonstration is not for real use");
        return Some(Look::bad(CLOCK, State::Fault, zh, en, mend));
    }
    (socket && -ahead > ENGINE_BEHIND_MS).then(|| {
        let (zh, en) = (
            format!("套接字存在，而引擎时间落后 {} 秒", -ahead / 1000),
            format!("the socket is there, and engine time is {} s behind", -ahead / 1000),
        );
        let mend = (
            "若进程在运行，见 docs/operations.md「引擎时间停滞」；否则启动它",
            "if the daemon runs, docs/operations.md, \"Engine time stands still\"; else start it",
        );
        Look::bad(CLOCK, State::Warning, zh, en, mend)
    })
}

/// What the register lacks, so that outlets cannot be heard or judged.
fn holes(registry: Option<&Registry>, now: Moment) -> Look {
    let Some(registry) = registry else {
        let mend = ("hj212d registry import 目录", "hj212d registry import DIR");
        return Look::bad(REGISTRY, State::Warning, "没有生效的台账：数据包将被隔离", "no register is in force: packets are kept apart", mend);
    };
    let mut silent: Vec<String> = Vec::new();
    let mut unjudged: Vec<String> = Vec::new();
    let mut outlets = 0;
    for outlet in registry.outlets(now) {
        outlets += 1;
        let heard = registry
            .loggers_of(outlet.id)
            .iter()
            .any(|mn| registry.factors(outlet.id).any(|factor| registry.series(*mn, outlet.id, factor, now).is_some()));
        let limited = registry.factors(outlet.id).any(|factor| {
            let series = Series { outlet: outlet.id, factor };
            [Basis::Hour, Basis::Day, Basis::FiveMinutes].into_iter().any(|basis| registry.limits(series, basis, now).next().is_some())
        });
        if !heard {
            silent.push(outlet.id.to_string());
        } else if !limited {
            unjudged.push(outlet.id.to_string());
        }
    }
    if silent.is_empty() && unjudged.is_empty() {
        return Look::fine(REGISTRY, format!("{outlets} 个排放口均有数采仪和限值"), format!("{outlets} outlets, each with a logger and a limit"));
    }
    let named = |outlets: &[String]| {
        let more = if outlets.len() > NAMED_MAX { " …" } else { "" };
        format!("{}{more}", outlets.iter().take(NAMED_MAX).cloned().collect::<Vec<_>>().join(" "))
    };
    let zh = format!("{outlets} 个排放口中，{} 个无数采仪（{}），{} 个无限值（{}）", silent.len(), named(&silent), unjudged.len(), named(&unjudged));
    let en =
        format!("of {outlets} outlets {} have no logger ({}) and {} no limit ({})", silent.len(), named(&silent), unjudged.len(), named(&unjudged));
    let mend = (
        "补充 series.csv、limits.csv 后重新导入；无限值的排放口不作超标判定",
        "complete series.csv and limits.csv and import them; an outlet without a limit is not judged for exceedance",
    );
    Look::bad(REGISTRY, State::Warning, zh, en, mend)
}

/// Whether what workers have not taken yet stays until they have.
fn journal_kept(retention_ms: Option<i64>, engine_time: Option<Moment>) -> Option<Look> {
    let behind = ArrivalClock::wall().now().0 - engine_time?.0;
    let kept = retention_ms.filter(|kept| behind > kept / 2)?;
    let hours = |ms: i64| ms / HOUR_MS;
    let (zh, en) = (
        format!("工作进程落后 {} 小时，日志主题只保留 {} 小时", hours(behind), hours(kept)),
        format!("a worker is {} h behind, and the journal's topic keeps {} h", hours(behind), hours(kept)),
    );
    let mend = (
        "启动或增加 worker；先加大 hj212.journal.v1 的 retention.ms",
        "start workers, or more of them; before that raise retention.ms of hj212.journal.v1",
    );
    Some(Look::bad(KAFKA, State::Fault, zh, en, mend))
}

async fn kafka(config: &Config, engine_time: Option<Moment>, looks: &mut Vec<Look>) {
    let Some(kafka) = &config.kafka else {
        return looks.push(Look::fine(KAFKA, "未使用：事件写入 out/", "not used: events go to out/"));
    };
    let plans = plans(Some(kafka.journal_partitions));
    let topics = match look_at_topics(&kafka.cluster, &plans).await {
        Ok(topics) => topics,
        Err(error) => {
            let mend = ("核对地址、登录设置和证书", "look at address, login and certificates");
            return looks.push(Look::bad(KAFKA, State::Fault, format!("{}：{error}", kafka.cluster), format!("{}: {error}", kafka.cluster), mend));
        }
    };
    let (mut missing, mut single, mut short) = (Vec::new(), Vec::new(), Vec::new());
    for (plan, topic) in plans.iter().zip(topics) {
        let Some(topic) = topic else {
            // Gateways and workers alone need the journal's.
            if ![JOURNAL, REGISTER].contains(&plan.name) {
                missing.push(plan.name);
            }
            continue;
        };
        if plan.name == JOURNAL {
            looks.extend(journal_kept(topic.retention_ms, engine_time));
        }
        if topic.replicas < IN_SYNC_MIN || topic.in_sync_min < IN_SYNC_MIN {
            single.push(plan.name);
        }
        // A step that was not read before it went is lost: its topic keeps what it was made for.
        let kept = topic.retention_ms.is_none_or(|kept| plan.days.is_some_and(|days| kept >= days * 24 * 3_600_000));
        if plan.name == DISPOSITIONS && !kept {
            short.push(plan.name);
        }
    }
    if !missing.is_empty() {
        let (zh, en) = (format!("缺少主题 {}", missing.join(" ")), format!("these topics are missing: {}", missing.join(" ")));
        let (state, mend) = if kafka.make_topics {
            (State::Warning, ("serve 启动时建立；须有建立主题的权限", "serve makes them at its start, if it may"))
        } else {
            (State::Fault, ("建立这些主题，或设 kafka.make_topics = true", "make them, or set kafka.make_topics = true"))
        };
        looks.push(Look::bad(KAFKA, state, zh, en, mend));
    }
    if !single.is_empty() {
        let (zh, en) =
            (format!("仅一份同步副本即算写入：{}", single.join(" ")), format!("a record counts as safe with one copy: {}", single.join(" ")));
        let mend = ("三个节点，replication.factor=3，min.insync.replicas=2", "three brokers, replication.factor=3, min.insync.replicas=2");
        looks.push(Look::bad(KAFKA, State::Warning, zh, en, mend));
    }
    if !short.is_empty() {
        let (zh, en) = (format!("保留时间过短：{}", short.join(" ")), format!("kept for less long than planned: {}", short.join(" ")));
        let mend = ("加大 retention.ms：停机期间未读的处置会丢失", "raise retention.ms: steps that were not read while the daemon was down are lost");
        looks.push(Look::bad(KAFKA, State::Warning, zh, en, mend));
    }
    if missing.is_empty() && single.is_empty() && short.is_empty() {
        looks.push(Look::fine(KAFKA, format!("{} 的主题齐全", kafka.cluster), format!("{} has every topic as it should be", kafka.cluster)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_that_lie_too_close_for_a_fleet_are_a_warning_with_the_figures_to_set() {
        let mut rules = RuleSet::default();
        assert_eq!(spread(1_400, &rules).state, State::Fine, "the defaults are for a city");
        let close = spread(30_000, &rules);
        assert_eq!(close.state, State::Warning);
        assert!(close.says.1.contains("spread_secs = 420 and confirm_spread_secs = 420"), "{}", close.says.1);
        (rules.spread_secs.value, rules.confirm_spread_secs.value) = (420, 420);
        assert_eq!(spread(30_000, &rules).state, State::Fine);
        assert!(spread(10_000_000, &rules).says.1.contains("spread_secs = 1800 and confirm_spread_secs = 21600"), "no more than can be set");
    }

    #[test]
    fn a_worker_that_is_behind_by_half_of_what_the_journal_keeps_is_a_fault() {
        let behind = |hours: i64| Some(Moment(ArrivalClock::wall().now().0 - hours * HOUR_MS));
        assert!(journal_kept(Some(48 * HOUR_MS), behind(23)).is_none());
        assert!(journal_kept(Some(48 * HOUR_MS), behind(25)).is_some_and(|look| look.state == State::Fault && look.says.1.contains("25 h behind")));
        assert!(journal_kept(None, behind(2500)).is_none(), "a journal that stays for ever");
        assert!(journal_kept(Some(HOUR_MS), None).is_none(), "nothing was ever taken");
    }
}
