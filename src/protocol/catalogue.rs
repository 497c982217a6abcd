//! Every command code (CN 命令编码) of the three editions, in one list: HJ/T 212-2005 6.5, HJ 212-2017 table 9, and what is
//! public of HJ 212-2025 table 12. A number means what its edition says: 1001 and 3014 changed theirs.

use super::packet::Edition::{self, Y2005, Y2017, Y2025};

/// What a packet with this CN is, seen from the side that sends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// 请求: answered by 9011 and 9012.
    Request,
    /// 上传: answered by 9014 when it asks.
    Upload,
    /// 通知: answered by 9013.
    Notification,
    /// 应答: never answered, except 9012 in an acknowledged 2005 exchange.
    Answer,
}

/// The shape of the data area of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Factors with their values at a moment or over a period.
    Measurements(Cadence),
    /// 设备运行状态: `SBn-RS`.
    DeviceStates,
    /// 设备运行时间: `SBn-RT`.
    DeviceTimes,
    /// 数采仪开机时间: `RestartTime`.
    Restart,
    /// 超标留样: `VaseNo`.
    Retention,
    /// 采样周期: `CstartTime`, `CTime`.
    SamplingPeriod,
    /// 出样时间: `Stime`.
    SampleOutTime,
    /// 设备唯一标识: `-SN`.
    InstrumentId,
    /// 现场机信息: log, state, parameter (`i…-Info`).
    SiteInformation,
    /// 报警 of 2005: `-Ala`.
    Alarm,
    /// 自动标样核查 of 2025: `-SampleRd`, `-StandardValue`, `-ResultType`.
    StandardCheck,
    /// 现场机时间: `SystemTime`.
    Clock,
    /// 上报间隔: `RtdInterval`, `MinInterval`.
    Interval,
    /// 数采仪硬件序号 of 2025.
    Hardware,
    /// 密钥 of 2025: `SKCreateTime`.
    KeyRequest,
    /// 心跳包, or a login dialect.
    Heartbeat,
    /// Plain pairs or nothing.
    Plain,
}

/// Which period measured values stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cadence {
    /// 实时数据: the moment `DataTime`.
    RealTime,
    /// 分钟数据: from `DataTime`, MinInterval long.
    Minute,
    /// 炉膛温度5分钟均值 (2025).
    FiveMinutes,
    /// 小时数据: from `DataTime`, an hour long.
    Hour,
    /// 日数据: the day of `DataTime`.
    Day,
    /// 周期性原始监测数据 and 单次测量 (2025): one measurement.
    Single,
}

/// One row of the catalogue.
#[derive(Debug, Clone, Copy)]
pub struct Command {
    /// 命令编码.
    pub cn: &'static str,
    /// The editions in which it means this.
    pub editions: &'static [Edition],
    /// What the host sends under this CN.
    pub down: Option<Role>,
    /// What the logger sends under this CN.
    pub up: Option<Role>,
    /// The data area of the logger's packet.
    pub shape: Shape,
    /// Name.
    pub zh: &'static str,
    /// Name.
    pub en: &'static str,
}

const ALL: &[Edition] = &[Y2005, Y2017, Y2025];
const OLD: &[Edition] = &[Y2005];
const NEW: &[Edition] = &[Y2017, Y2025];
const ONLY_2017: &[Edition] = &[Y2017];
const ONLY_2025: &[Edition] = &[Y2025];
const REQUEST: Option<Role> = Some(Role::Request);
const UPLOAD: Option<Role> = Some(Role::Upload);
const NOTIFICATION: Option<Role> = Some(Role::Notification);
const ANSWER: Option<Role> = Some(Role::Answer);

macro_rules! commands {
    ($($cn:literal $editions:ident $down:expr, $up:expr, $shape:expr, $zh:literal, $en:literal;)*) => {
        /// The catalogue, in the order of the codes.
        pub const COMMANDS: &[Command] = &[$(Command { cn: $cn, editions: $editions, down: $down, up: $up, shape: $shape, zh: $zh, en: $en },)*];
    };
}

commands! {
    "1000" ALL REQUEST, None, Shape::Plain, "设置超时时间及重发次数", "set time-out and resend count";
    "1001" OLD REQUEST, None, Shape::Plain, "设置超限报警时间", "set alarm time";
    "1001" ONLY_2025 None, NOTIFICATION, Shape::Hardware, "上传数采仪硬件序号", "upload the logger's hardware serial";
    "1002" ONLY_2025 REQUEST, None, Shape::Plain, "设置数采仪MN编码", "set MN";
    "1011" ALL REQUEST, UPLOAD, Shape::Clock, "提取/上传现场机时间", "read or upload the field clock";
    "1012" ALL REQUEST, None, Shape::Plain, "设置现场机时间", "set the field clock";
    "1013" NEW None, NOTIFICATION, Shape::Plain, "现场机时间校准请求", "ask for clock calibration";
    "1014" ONLY_2025 REQUEST, UPLOAD, Shape::KeyRequest, "获取/设置密钥", "ask for or set the key";
    "1021" OLD REQUEST, UPLOAD, Shape::Plain, "提取/上传污染物报警门限值", "read alarm limits";
    "1022" OLD REQUEST, None, Shape::Plain, "设置污染物报警门限值", "set alarm limits";
    "1031" OLD REQUEST, UPLOAD, Shape::Plain, "提取/上传上位机地址", "read the host's address";
    "1032" OLD REQUEST, None, Shape::Plain, "设置上位机地址", "set the host's address";
    "1041" OLD REQUEST, UPLOAD, Shape::Plain, "提取/上传数据上报时间", "read the report time";
    "1042" OLD REQUEST, None, Shape::Plain, "设置数据上报时间", "set the report time";
    "1061" ALL REQUEST, UPLOAD, Shape::Interval, "提取/上传实时数据间隔", "read or upload the real-time interval";
    "1062" ALL REQUEST, None, Shape::Plain, "设置实时数据间隔", "set the real-time interval";
    "1063" NEW REQUEST, UPLOAD, Shape::Interval, "提取/上传分钟数据间隔", "read or upload the minute interval";
    "1064" NEW REQUEST, None, Shape::Plain, "设置分钟数据间隔", "set the minute interval";
    "1072" ALL REQUEST, None, Shape::Plain, "设置现场机密码", "set the password";
    "2011" ALL REQUEST, UPLOAD, Shape::Measurements(Cadence::RealTime), "污染物实时数据", "real-time data";
    "2012" ALL NOTIFICATION, None, Shape::Plain, "停止察看污染物实时数据", "stop real-time data";
    "2013" ONLY_2025 REQUEST, UPLOAD, Shape::Measurements(Cadence::Single), "周期性原始监测数据", "raw data of periodic measurement";
    "2021" ALL REQUEST, UPLOAD, Shape::DeviceStates, "设备运行状态数据", "facility states";
    "2022" ALL NOTIFICATION, None, Shape::Plain, "停止察看设备运行状态", "stop facility states";
    "2031" ALL REQUEST, UPLOAD, Shape::Measurements(Cadence::Day), "污染物日历史数据", "day data";
    "2041" ALL REQUEST, UPLOAD, Shape::DeviceTimes, "设备运行时间日历史数据", "facility running time of a day";
    "2051" ALL REQUEST, UPLOAD, Shape::Measurements(Cadence::Minute), "污染物分钟数据", "minute data";
    "2052" ONLY_2025 REQUEST, UPLOAD, Shape::Measurements(Cadence::Single), "噪声单次测量数据", "noise, single measurement";
    "2061" ALL REQUEST, UPLOAD, Shape::Measurements(Cadence::Hour), "污染物小时数据", "hour data";
    "2062" ONLY_2025 REQUEST, UPLOAD, Shape::StandardCheck, "自动标样核查数据", "automatic standard-sample check";
    "2071" OLD REQUEST, UPLOAD, Shape::Alarm, "污染物报警记录", "alarm records";
    "2072" OLD None, NOTIFICATION, Shape::Alarm, "污染物报警事件", "alarm event";
    "2081" ALL None, UPLOAD, Shape::Restart, "数采仪开机时间", "logger start time";
    "2111" ONLY_2025 None, UPLOAD, Shape::Measurements(Cadence::FiveMinutes), "炉膛温度5分钟均值", "furnace temperature, 5-minute mean";
    "3011" ALL REQUEST, None, Shape::Plain, "零点校准量程校准", "zero and span calibration";
    "3012" ALL REQUEST, None, Shape::Plain, "即时采样", "sample now";
    "3013" ALL REQUEST, None, Shape::Plain, "启动清洗/反吹", "wash or blow back";
    "3014" OLD REQUEST, None, Shape::Plain, "设置采样时间", "set sampling times";
    "3014" ONLY_2017 REQUEST, None, Shape::Plain, "比对采样", "comparison sampling";
    "3015" NEW REQUEST, UPLOAD, Shape::Retention, "超标留样", "over-limit retention";
    "3016" NEW REQUEST, None, Shape::Plain, "设置采样时间周期", "set the sampling period";
    "3017" NEW REQUEST, UPLOAD, Shape::SamplingPeriod, "提取/上传采样时间周期", "read or upload the sampling period";
    "3018" NEW REQUEST, UPLOAD, Shape::SampleOutTime, "提取/上传出样时间", "read or upload the sample-out time";
    "3019" NEW REQUEST, UPLOAD, Shape::InstrumentId, "提取/上传设备唯一标识", "read or upload an instrument's id";
    "3020" NEW REQUEST, UPLOAD, Shape::SiteInformation, "提取/上传现场机信息", "read or upload field information";
    "3021" NEW REQUEST, None, Shape::Plain, "设置现场机参数", "set a field parameter";
    "3022" ONLY_2025 REQUEST, None, Shape::Plain, "即时留样任务", "retain a sample now";
    "3024" ONLY_2025 REQUEST, None, Shape::Plain, "启动自动标样核查", "start the standard-sample check";
    "9011" ALL None, ANSWER, Shape::Plain, "请求应答", "request answer";
    "9012" ALL None, ANSWER, Shape::Plain, "执行结果", "execution result";
    "9013" ALL ANSWER, ANSWER, Shape::Plain, "通知应答", "notification answer";
    "9014" ALL ANSWER, ANSWER, Shape::Plain, "数据应答", "data answer";
    "9015" ONLY_2025 None, NOTIFICATION, Shape::Heartbeat, "心跳包", "heartbeat";
    "9022" ALL ANSWER, ANSWER, Shape::Plain, "登录应答（方言）", "login answer (dialect)";
}

/// The row of a CN in an edition. A CN that only other editions have is read as theirs, an upward meaning first: loggers
/// mix editions, and what they send is upward.
#[must_use]
pub fn find(cn: &str, edition: Edition) -> Option<&'static Command> {
    let start = COMMANDS.partition_point(|row| row.cn < cn);
    let rows = || COMMANDS[start..].iter().take_while(|row| row.cn == cn);
    rows().find(|row| row.editions.contains(&edition)).or_else(|| rows().find(|row| row.up.is_some())).or_else(|| rows().next())
}

/// The 9015 of 2025 before its time, and the 9021 login of local dialects.
#[must_use]
pub fn is_heartbeat_dialect(cn: &str, edition: Edition) -> bool {
    cn == "9021" || cn == "9015" && edition != Y2025
}

/// System codes (ST 系统编码) of all editions: HJ 212-2017 table 5, and 44 and 45 of 2025.
#[must_use]
pub fn system(st: &str) -> Option<(&'static str, &'static str)> {
    Some(match st {
        "21" => ("地表水质量监测", "surface water quality"),
        "22" => ("空气质量监测", "air quality"),
        "23" => ("声环境质量监测", "acoustic environment"),
        "24" => ("地下水质量监测", "groundwater quality"),
        "25" => ("土壤质量监测", "soil quality"),
        "26" => ("海水质量监测", "sea water quality"),
        "27" => ("挥发性有机物监测", "volatile organics"),
        "31" => ("大气环境污染源", "air pollution source"),
        "32" => ("地表水体环境污染源", "surface-water pollution source"),
        "33" => ("地下水体环境污染源", "groundwater pollution source"),
        "34" => ("海洋环境污染源", "marine pollution source"),
        "35" => ("土壤环境污染源", "soil pollution source"),
        "36" => ("声环境污染源", "noise source"),
        "37" => ("振动环境污染源", "vibration source"),
        "38" => ("放射性环境污染源", "radioactive source"),
        "39" => ("工地扬尘污染源", "construction dust"),
        "41" => ("电磁环境污染源", "electromagnetic source"),
        "44" => ("用电监控", "electricity monitoring"),
        "45" => ("关键生产工况", "key process conditions"),
        "51" => ("烟气排放过程监控", "flue-gas process"),
        "52" => ("污水排放过程监控", "sewage process"),
        "91" => ("系统交互", "interaction"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_means_what_its_edition_says() {
        assert_eq!(find("1001", Y2005).map(|row| row.down), Some(REQUEST));
        assert_eq!(find("1001", Y2025).map(|row| row.up), Some(NOTIFICATION));
        assert_eq!(find("3014", Y2005).map(|row| row.en), Some("set sampling times"));
        assert_eq!(find("3014", Y2017).map(|row| row.en), Some("comparison sampling"));
        assert_eq!(find("2081", Y2005).map(|row| row.up), Some(UPLOAD), "sent by 2005 loggers long before 2017");
        assert!(find("7777", Y2017).is_none());
    }

    #[test]
    fn the_rows_stand_in_the_order_of_their_codes() {
        assert!(COMMANDS.is_sorted_by_key(|row| row.cn));
    }

    #[test]
    fn no_two_rows_claim_the_same_number_in_one_edition() {
        for edition in [Y2005, Y2017, Y2025] {
            let mut seen = std::collections::BTreeSet::new();
            for row in COMMANDS.iter().filter(|row| row.editions.contains(&edition)) {
                assert!(seen.insert(row.cn), "{} twice in {}", row.cn, edition.year());
            }
        }
    }
}
