//! The contracts as documents: a JSON Schema (2020-12) for each kind of event and for what is read, and an AsyncAPI 3.1 document
//! that says which topic has which. Printed by `hj212d schemas`; a test holds `schemas/` and these types together.

use super::body::{CaseMovedBody, LinkBody, MeansBody, OutageBody, ReferralBody, RefusedBody, RejectedBody, RootBody, ScoreBody, WarningBody};
use super::{DISPOSITIONS, Topic};
use crate::domain::{CaseKind, CaseStatement, OutageScope};
use schemars::{Schema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

/// A kind of message: its name, the topic it is in, its `ce_type`s, its body, and what it is.
struct Contract {
    name: &'static str,
    topic: Option<Topic>,
    types: Vec<String>,
    schema: fn(SchemaGenerator) -> Schema,
    summary: &'static str,
}

fn contracts() -> Vec<Contract> {
    let words = |prefix: &str, words: &[&str]| words.iter().map(|word| format!("{prefix}{word}")).collect::<Vec<String>>();
    let ended = |words: Vec<String>, suffix: &str| words.iter().flat_map(|word| [word.clone(), format!("{word}{suffix}")]).collect::<Vec<String>>();
    let warnings = words("hj212.warning.", &CaseKind::ALL.map(CaseKind::name));
    let outages = words("hj212.outage.", &OutageScope::ALL.map(OutageScope::name));
    vec![
        Contract {
            name: "hj212.referral",
            topic: Some(Topic::Referrals),
            types: words("hj212.referral.", &["opened", "extended", "revised", "withdrawn", "reopened"]),
            schema: |generator| generator.into_root_schema_for::<ReferralBody<'_>>(),
            summary: "线索移送 · A case with what it rests on.",
        },
        Contract {
            name: "hj212.case",
            topic: Some(Topic::Referrals),
            types: words("hj212.referral.", &["progressed", "closed", "noted", "overdue"]),
            schema: |generator| generator.into_root_schema_for::<CaseMovedBody<'_>>(),
            summary: "案件处置 · A case that people moved, or did not move in time.",
        },
        Contract {
            name: "hj212.warning",
            topic: Some(Topic::Warnings),
            types: ended(warnings, ".ended"),
            schema: |generator| generator.into_root_schema_for::<WarningBody<'_>>(),
            summary: "预警 · A finding while its day is not confirmed, and its end.",
        },
        Contract {
            name: "hj212.mean.hour",
            topic: Some(Topic::HourMeans),
            types: words("hj212.mean.", &["hour"]),
            schema: |generator| generator.into_root_schema_for::<MeansBody<'_>>(),
            summary: "小时均值 · The means of an outlet's hour.",
        },
        Contract {
            name: "hj212.mean.day",
            topic: Some(Topic::DayMeans),
            types: words("hj212.mean.", &["day"]),
            schema: |generator| generator.into_root_schema_for::<MeansBody<'_>>(),
            summary: "日均值 · The means of an outlet's day.",
        },
        Contract {
            name: "hj212.link",
            topic: Some(Topic::Links),
            types: words("hj212.link.", &["up", "down"]),
            schema: |generator| generator.into_root_schema_for::<LinkBody<'_>>(),
            summary: "连接 · A connection came or went.",
        },
        Contract {
            name: "hj212.outage",
            topic: Some(Topic::Links),
            types: ended(outages, ".ended"),
            schema: |generator| generator.into_root_schema_for::<OutageBody<'_>>(),
            summary: "中断 · The receiver, a region, what a contractor maintains or a gateway was away.",
        },
        Contract {
            name: "hj212.rejected",
            topic: Some(Topic::Rejected),
            types: words("hj212.", &["rejected"]),
            schema: |generator| generator.into_root_schema_for::<RejectedBody<'_>>(),
            summary: "拒收 · Bytes were no packet, or a packet was kept apart.",
        },
        Contract {
            name: "hj212.root",
            topic: Some(Topic::Roots),
            types: words("hj212.", &["root"]),
            schema: |generator| generator.into_root_schema_for::<RootBody<'_>>(),
            summary: "根哈希 · The hourly root over all chains.",
        },
        Contract {
            name: "hj212.refused",
            topic: Some(Topic::Refused),
            types: words("hj212.", &["disposition.refused", "case_event.refused"]),
            schema: |generator| generator.into_root_schema_for::<RefusedBody>(),
            summary: "退回 · What was said of a case could not be taken. Records that are no statement lie in the same topic as they came \
                      (ce_type hj212.record.refused, header reason).",
        },
        Contract {
            name: "hj212.contractor",
            topic: Some(Topic::Contractors),
            types: words("hj212.contractor.", &["scored"]),
            schema: |generator| generator.into_root_schema_for::<ScoreBody<'_>>(),
            summary: "运维机构赋分 · A contractor's month, item by item and line by line; scored again, the later one holds.",
        },
        Contract {
            name: "hj212.disposition",
            topic: None,
            types: Vec::new(),
            schema: |generator| generator.into_root_schema_for::<CaseStatement>(),
            summary: "处置 · A step of a case, or an event about one.",
        },
    ]
}

/// Every document by its file name.
#[must_use]
pub fn documents() -> Vec<(String, String)> {
    let contracts = contracts();
    let mut documents: Vec<(String, String)> = contracts
        .iter()
        .map(|contract| {
            let settings = SchemaSettings::draft2020_12().for_serialize();
            // What is read is described as it is read, what is written as it is written.
            let settings = if contract.topic.is_some() { settings } else { settings.for_deserialize() };
            (format!("{}.json", contract.name), pretty(&(contract.schema)(settings.into_generator())))
        })
        .collect();
    documents.push(("asyncapi.json".to_owned(), pretty(&asyncapi(&contracts))));
    documents
}

fn pretty<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string_pretty(value).expect("a document has text keys") + "\n"
}

fn asyncapi(contracts: &[Contract]) -> Value {
    let (mut channels, mut operations, mut messages) = (Map::new(), Map::new(), Map::new());
    for contract in contracts {
        let topic = contract.topic.map_or(DISPOSITIONS, Topic::name);
        let reference = json!({"$ref": format!("#/components/messages/{}", contract.name)});
        let channel = channels.entry(topic).or_insert_with(|| json!({"address": topic, "messages": {}}));
        channel["messages"][contract.name] = reference;
        let action = if contract.topic.is_some() { "send" } else { "receive" };
        let operation = operations
            .entry(format!("{action} {topic}"))
            .or_insert_with(|| json!({"action": action, "channel": {"$ref": format!("#/channels/{topic}")}, "messages": []}));
        if let Some(list) = operation["messages"].as_array_mut() {
            list.push(json!({"$ref": format!("#/channels/{topic}/messages/{}", contract.name)}));
        }
        let mut message = json!({
            "name": contract.name,
            "summary": contract.summary,
            "contentType": "application/json",
            "payload": {"schemaFormat": "application/schema+json;version=draft-07", "schema": {"$ref": format!("./{}.json", contract.name)}},
        });
        if contract.topic.is_some() {
            message["headers"] = headers(&contract.types);
        }
        messages.insert(contract.name.to_owned(), message);
    }
    json!({
        "asyncapi": "3.1.0",
        "info": {
            "title": "hj212d",
            "version": "1.0.0",
            "description": "What hj212d writes to Kafka and reads from it. CloudEvents 1.0 in binary mode: attributes are headers, the body is the value, \
                            the key is the site. At least once: drop what was seen by ce_id. Members may be added to a body; none goes, and none changes its type, under the same topic.",
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages},
    })
}

/// The headers of an event.
fn headers(types: &[String]) -> Value {
    let text = |description: &str| json!({"type": "string", "description": description});
    json!({
        "type": "object",
        "required": ["ce_specversion", "ce_id", "ce_type", "ce_source", "ce_subject", "ce_time", "ce_sequence"],
        "properties": {
            "content-type": {"const": "application/json"},
            "ce_specversion": {"const": "1.0"},
            "ce_id": {"type": "string", "format": "uuid", "description": "Of the content: what was seen is dropped."},
            "ce_type": {"enum": types},
            "ce_source": {"const": "hj212d"},
            "ce_subject": text("Case, outlet, connection or hour."),
            "ce_time": {"type": "string", "format": "date-time", "description": "Engine time."},
            "ce_sequence": text("Place in the journal of the entry that caused it."),
        },
    })
}
