//! `hj212d decode`: packets from standard input, one a line, explained field by field, or one JSON object a line.

use super::{Failure, exit};
use crate::protocol::catalogue::{self, Role};
use crate::protocol::frame::{Framer, Piece};
use crate::protocol::marker::Marker;
use crate::protocol::quirk::{Quirk, QuirkSet};
use crate::protocol::sm4::Key;
use crate::protocol::{CrcDialect, Packet, Refusal, decode, decode_frame, factor, inspect};
use serde_json::{Value, json};
use std::io::{BufRead, BufWriter, Write};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  hj212d decode < packets.txt\n  printf '%s\\n' '##0101QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;CP=&&RtdInterval=30&&1C80' | hj212d decode --json\n  hj212d decode --crc modbus --key k1=30303030303030303030303030303030 < packets.txt"
)]
pub(super) struct Arguments {
    /// One JSON object a line: a line in, a line out, always.
    #[arg(long)]
    json: bool,
    /// A check to accept besides the standard's.
    #[arg(long, value_name = "standard|modbus|modbus_swapped", default_value = "standard", value_parser = |word: &str| CrcDialect::parse(word).ok_or("write standard, modbus or modbus_swapped"))]
    crc: CrcDialect,
    /// SM4 key for encrypted packets of HJ 212-2025; may be given several times.
    #[arg(long = "key", value_name = "NAME=32HEX", value_parser = |text: &str| Key::parse(text).ok_or("write a name, = and 32 hex digits"))]
    keys: Vec<Key>,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut output = BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().split(b'\n') {
        let line = line.map_err(|error| Failure::new(exit::IO, format!("standard input: {error}")))?;
        let result = read(line.trim_ascii(), arguments);
        let text = match (&result, arguments.json) {
            (Ok(packet), true) => to_json(&packet.0, packet.1).to_string(),
            (Err(refusal), true) => json!({"ok": false, "reason": refusal.name(), "detail": refusal.to_string()}).to_string(),
            (Ok(packet), false) => explain(&packet.0, packet.1),
            (Err(refusal), false) => format!("不是可读的数据包 / not readable: {} — {refusal}", refusal.name()),
        };
        match writeln!(output, "{text}") {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(()),
            Err(error) => return Err(Failure::new(exit::IO, format!("standard output: {error}"))),
        }
    }
    output.flush().map_err(|error| Failure::new(exit::IO, format!("standard output: {error}")))
}

/// One packet a line; a few odd characters after the check belong to it (`**` of one dialect).
fn read<'l>(line: &'l [u8], arguments: &Arguments) -> Result<(Packet<'l>, QuirkSet), Refusal> {
    let mut framer = Framer::default();
    let progress = framer.next(line, true);
    let Some(Piece::Frame(frame)) = progress.piece else {
        return decode(line, arguments.crc, &arguments.keys).map(|packet| {
            let quirks = inspect::quirks(&packet);
            (packet, quirks)
        });
    };
    let packet = decode_frame(line, &frame, arguments.crc, &arguments.keys)?;
    let mut quirks = inspect::quirks(&packet);
    quirks.extend(framer.next(&line[progress.consumed..], true).previous);
    Ok((packet, quirks))
}

fn to_json(packet: &Packet<'_>, quirks: QuirkSet) -> Value {
    let number = |text: Option<&str>| text.map(|text| text.parse::<u64>().map_or_else(|_| json!(text), |number| json!(number)));
    let mut object = json!({
        "ok": true,
        "edition": packet.edition().year(),
        "qn": packet.qn(),
        "st": packet.st(),
        "cn": packet.cn(),
        "pw": packet.pw(),
        "mn": packet.mn(),
        "flag": packet.flag(),
        "pnum": number(packet.pnum()),
        "pno": number(packet.pno()),
        "fields": packet.pairs().map(|pair| json!({"item": pair.item, "name": pair.name, "value": pair.value})).collect::<Vec<_>>(),
        "quirks": quirks.iter().map(Quirk::name).collect::<Vec<_>>(),
    });
    if let (Some(rf), Some(object)) = (packet.rf(), object.as_object_mut()) {
        object.insert("rf".to_owned(), json!(rf));
    }
    if let (Some(key), Some(object)) = (packet.key(), object.as_object_mut()) {
        object.insert("key".to_owned(), json!(key));
    }
    object
}

fn explain(packet: &Packet<'_>, quirks: QuirkSet) -> String {
    use std::fmt::Write;
    let mut text = String::new();
    let command = packet.cn().and_then(|cn| catalogue::find(cn, packet.edition()));
    let standard = match packet.edition().year() {
        "2005" => "HJ/T 212-2005",
        "2017" => "HJ 212-2017",
        _ => "HJ 212-2025",
    };
    let names = command.map_or(("未列入标准的命令", "a command outside the tables"), |command| (command.zh, command.en));
    let role = command.and_then(|command| command.up).map_or("", |role| match role {
        Role::Request => "请求 request",
        Role::Upload => "上传 upload",
        Role::Notification => "通知 notification",
        Role::Answer => "应答 answer",
    });
    let _ = writeln!(text, "{standard}  CN {} {} / {} {role}", packet.cn().unwrap_or("?"), names.0, names.1);
    let system = packet.st().and_then(catalogue::system).unwrap_or(("未列入标准", "not in the tables"));
    let mut header = |label: &str, value: Option<&str>, note: String| {
        let _ = writeln!(text, "  {label:<28} {}{}{note}", value.unwrap_or("—"), if note.is_empty() { "" } else { "  " });
    };
    header("QN   请求编码 request", packet.qn(), String::new());
    header("ST   系统编码 system", packet.st(), format!("{} / {}", system.0, system.1));
    header("PW   访问密码 password", packet.pw(), String::new());
    header("MN   设备唯一标识 device", packet.mn(), String::new());
    let flag = packet.flag().map(|flag| flag.to_string());
    let asks = if packet.asks() { "要求应答 asks for an answer" } else { "不要求应答 asks for none" };
    let split = if packet.announces_parts() { "，有包号 split" } else { "" };
    header("Flag 标志", flag.as_deref(), format!("{asks}{split}"));
    if packet.pnum().is_some() || packet.pno().is_some() {
        header("PNUM 总包数 parts", packet.pnum(), String::new());
        header("PNO  包号 part", packet.pno(), String::new());
    }
    if let Some(rf) = packet.rf() {
        header("RF   补传标志 back-filled", Some(rf), String::new());
    }
    for pair in packet.pairs() {
        let (zh, en) = field_names(pair.name, pair.code(), pair.suffix());
        let meaning = match pair.suffix() {
            Some("Flag") => {
                let says = Marker::of(pair.value).says();
                format!("  {} / {}", says.0, says.1)
            }
            _ => String::new(),
        };
        let _ = writeln!(text, "  {:<20} {:<24} {zh} / {en}{meaning}", pair.name, pair.value);
    }
    for quirk in quirks.iter() {
        let _ = writeln!(text, "  ! {}: {}", quirk.name(), quirk.says());
    }
    text
}

/// What a field is called, from the factor tables and HJ 212-2017 table 4.
fn field_names(name: &str, code: &str, suffix: Option<&str>) -> (String, String) {
    let Some(suffix) = suffix else {
        let plain = match name {
            "DataTime" => ("数据时间", "time of the data"),
            "SystemTime" => ("系统时间", "system time"),
            "RestartTime" => ("数采仪开机时间", "logger start"),
            "BeginTime" => ("开始时间", "from"),
            "EndTime" => ("截止时间", "to"),
            "PolId" => ("污染因子编码", "factor"),
            "QnRtn" => ("请求回应代码", "request answer"),
            "ExeRtn" => ("执行结果", "execution result"),
            "RtdInterval" => ("实时数据间隔（秒）", "real-time interval, seconds"),
            "MinInterval" => ("分钟数据间隔（分钟）", "minute interval, minutes"),
            "VaseNo" => ("采样瓶编号", "sample bottle"),
            _ => ("", "another field"),
        };
        return (plain.0.to_owned(), plain.1.to_owned());
    };
    let factor = factor::find(code).map(|row| (row.zh, row.en, row.unit));
    let factor = factor.or_else(|| factor::find_legacy_anywhere(code).map(|row| (row.zh, row.en, row.unit)));
    let (zh, en, unit) = factor.unwrap_or((code, code, ""));
    let kind = match suffix {
        "Rtd" => ("实时值", "real-time"),
        "Min" => ("最小值", "minimum"),
        "Avg" => ("平均值", "mean"),
        "Max" => ("最大值", "maximum"),
        "Cou" => ("累计值", "total"),
        "ZsRtd" => ("折算实时值", "converted real-time"),
        "ZsMin" => ("折算最小值", "converted minimum"),
        "ZsAvg" => ("折算平均值", "converted mean"),
        "ZsMax" => ("折算最大值", "converted maximum"),
        "Flag" => ("数据标记", "mark"),
        "RS" => ("运行状态", "run state"),
        "RT" => ("运行时间", "running hours"),
        "Info" => ("现场端信息", "field information"),
        other => (other, other),
    };
    let unit = if unit.is_empty() || suffix == "Flag" { String::new() } else { format!(" {unit}") };
    (format!("{zh}{}{unit}", kind.0), format!("{en}, {}{unit}", kind.1))
}
