//! Gateways and workers, real processes over a real Kafka and a real PostgreSQL: the same means as `serve`, whoever dies, and one chain for
//! each logger, whoever holds it.

use crate::kafka::Broker;
use crate::postgres::Server;
use crate::process::{Folder, Logger, Serve, deadline, passed};
use crate::world::{MN, SO2_DAY_80, mn, registry};
use hj212d::registry::Files;
use std::collections::BTreeMap;
use std::process::Command;

/// A registry of so many sites, each with one outlet and one logger: sites spread over shards.
pub fn sites(count: u64) -> Files {
    let mut files = registry("11", &[SO2_DAY_80]);
    let mut add = |name: &str, line: String| {
        if let Some(text) = files.0.get_mut(name) {
            text.push_str(&line);
        }
    };
    for number in 1..=count {
        let (site, outlet, mn) = (format!("P{number}"), format!("P{number}-G1"), mn(number));
        add("sites.csv", format!("{site},{number}号企业,Works {number},waste,示例区,2020-01-01,\n"));
        add("outlets.csv", format!("{outlet},{site},{number}号排口,Stack {number},gas,waste,start,1,30,11,a19001,21,no,2020-01-01,\n"));
        add("loggers.csv", format!("{mn},{site},123456,standard,2017,,main,2020-01-01,\n"));
        for (factor, range) in [("a21026", "1000"), ("a19001", "25")] {
            add("series.csv", format!("{outlet},{factor},{mn},31,,mg/m3,,{range},drift,2020-01-01,\n"));
        }
        add("limits.csv", format!("{outlet},{}\n", SO2_DAY_80.split_once(',').expect("the outlet").1));
    }
    files
}

/// A database server, a broker, and what processes are told of them.
pub struct Centre {
    pub server: Server,
    pub broker: Broker,
    pub folder: Folder,
    pub database: &'static str,
    partitions: u32,
}

impl Centre {
    pub fn new(database: &'static str, partitions: u32) -> Self {
        let server = Server::start();
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(server.database(database));
        Self { server, broker: Broker::start(), folder: Folder::new(), database, partitions }
    }

    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let mut environment = self.broker.environment().to_vec();
        environment.extend([
            ("HJ212D_DATA__DATABASE", self.server.address(self.database)),
            ("HJ212D_KAFKA__ALLOW_SINGLE_BROKER", "true".to_owned()),
            ("HJ212D_KAFKA__JOURNAL_PARTITIONS", self.partitions.to_string()),
        ]);
        environment
    }

    pub fn worker(&self, name: &str, extra: &[&str]) -> Serve {
        let environment = self.environment();
        let environment: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Serve::worker(&self.folder.0.join(name), extra, &environment)
    }

    pub fn gateway(&self, name: &str, extra: &[&str]) -> Serve {
        let mut environment = self.environment();
        environment.push(("HJ212D_GATEWAY__NAME", name.to_owned()));
        let environment: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Serve::gateway(extra, &environment)
    }

    pub fn command(&self, arguments: &[&str], data: &str) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hj212d"));
        command.args(arguments).arg("--data").arg(self.folder.0.join(data)).envs(self.environment());
        let output = command.output().expect("it runs");
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{arguments:?}: {said}");
        said
    }
}

const DEMO: [&str; 4] = ["--demo-time-scale", "60", "--demo-start", "2026-03-16"];

#[test]
fn a_gateway_answers_and_a_worker_makes_the_means() {
    let centre = Centre::new("walk", 4);
    let rows = centre.folder.registry(&sites(6));
    let worker = centre.worker("one", &[&["--registry", rows.to_str().expect("UTF-8")][..], &DEMO].concat());
    let gateway = centre.gateway("g1", &DEMO).listens();
    gateway.wait_until_says("/readyz", "200");
    worker.wait_until_says("/readyz", "200");
    let mut logger = Logger::connect(gateway.address).expect("connected");
    for number in 0..120 {
        let answer = logger.exchange(&crate::process::minute(number)).expect("answered");
        assert!(answer.contains("CN=9014"), "{answer}");
    }
    worker.wait_for("hj212_means_published_total{span=\"hour\"}", |means| means >= 2.0);
    assert_eq!(gateway.stop(), Some(0));
    assert_eq!(worker.stop(), Some(0));
    let said = centre.command(&["verify"], "one");
    assert!(said.contains("the journal is as it was written"), "{said}");
    let said = centre.command(&["means", "S1-G1", "--day", "2026-03-14"], "one");
    assert!(said.contains("a21026"), "{said}");
}
