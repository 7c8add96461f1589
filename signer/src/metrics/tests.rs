#![allow(clippy::arithmetic_side_effects)]

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use eots::{PublicRandomness, SecretKey, SecretRandomness, Signature, XOnlyPublicKey};
use finality::ConsumerHeight;

use super::{MetricLabels, Metrics, code_name, families};
use crate::protection::{HeightRange, Lane, LaneState, Verdict, Watermarks};

fn key(byte: u8) -> SecretKey {
    SecretKey::from_bytes(&[byte; 32]).unwrap()
}

fn lane(byte: u8, chain_id: &[u8]) -> Lane {
    Lane { public_key: *key(byte).public_key(), chain_id: chain_id.to_vec() }
}

fn signature() -> Signature {
    let key = key(1);
    let randomness = SecretRandomness::derive(&key, b"bbn-1", 1);
    let _public: &PublicRandomness = randomness.public_randomness();
    eots::sign_without_verifying(&key, randomness, b"message").unwrap()
}

fn metrics() -> Metrics {
    let labels = MetricLabels {
        keys: vec![*key(1).public_key()],
        chain_ids: vec!["bbn-1".to_owned()],
        clients: vec!["fpd".to_owned()],
        methods: vec!["SignEOTS".to_owned()],
    };
    Metrics::new(labels, SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)).unwrap()
}

/// Uses every method once.
fn use_all(metrics: &Metrics, lane: &Lane, client: &str, method: &str) {
    let key: &XOnlyPublicKey = &lane.public_key;
    metrics.request(method, tonic::Code::Ok, client, Duration::from_micros(1200));
    metrics.voted(lane, ConsumerHeight(1007), &Verdict::New(signature()));
    metrics.voted(lane, ConsumerHeight(1007), &Verdict::Again(signature()));
    metrics.refused("double_sign", lane);
    metrics.refused("not_committed", lane);
    metrics.listed(key, ConsumerHeight(1999), 1000);
    metrics.schnorr_signed(key);
    metrics.rate_limited(client);
    metrics.authentication_failed("no_secret");
    metrics.set_locked(key, true);
    let range = |first, last| HeightRange { first: ConsumerHeight(first), last: ConsumerHeight(last) };
    let state = LaneState {
        watermarks: Watermarks { low: Some(ConsumerHeight(999)), high: Some(ConsumerHeight(5000)) },
        highest: Some(ConsumerHeight(1007)),
        committed: vec![range(1, 10), range(1000, 1999)],
    };
    metrics.set_lane(lane, &state);
    metrics.set_store(8192, 12);
}

#[test]
fn each_is_rendered_with_its_value() {
    let metrics = metrics();
    let lane = lane(1, b"bbn-1");
    use_all(&metrics, &lane, "fpd", "SignEOTS");
    let text = metrics.render();
    let key = lane.public_key;
    let of_key = format!("fp_btc_pk_hex=\"{key}\"");
    let of_lane = format!("chain_id=\"bbn-1\",{of_key}");
    for line in [
        "# TYPE eots_created_keys_counter counter".to_owned(),
        "eots_created_keys_counter 0".to_owned(),
        "# TYPE eots_fp_total_generated_randomness_counter counter".to_owned(),
        format!("eots_fp_total_generated_randomness_counter{{{of_key}}} 1000"),
        "# TYPE eots_fp_last_generated_randomness_height gauge".to_owned(),
        format!("eots_fp_last_generated_randomness_height{{{of_key}}} 1999"),
        "# TYPE eots_fp_total_eots_sign_counter counter".to_owned(),
        format!("eots_fp_total_eots_sign_counter{{{of_key}}} 2"),
        "# TYPE eots_fp_last_eots_sign_height gauge".to_owned(),
        format!("eots_fp_last_eots_sign_height{{{of_key}}} 1007"),
        "# TYPE eots_fp_total_schnorr_sign_counter counter".to_owned(),
        format!("eots_fp_total_schnorr_sign_counter{{{of_key}}} 1"),
        "btcstake_signer_requests_total{client=\"fpd\",code=\"OK\",method=\"SignEOTS\"} 1".to_owned(),
        "# TYPE btcstake_signer_request_seconds histogram".to_owned(),
        "btcstake_signer_request_seconds_bucket{method=\"SignEOTS\",le=\"0.001\"} 0".to_owned(),
        "btcstake_signer_request_seconds_bucket{method=\"SignEOTS\",le=\"0.0015\"} 1".to_owned(),
        "btcstake_signer_request_seconds_count{method=\"SignEOTS\"} 1".to_owned(),
        format!("btcstake_signer_votes_total{{{of_lane},verdict=\"new\"}} 1"),
        format!("btcstake_signer_votes_total{{{of_lane},verdict=\"again\"}} 1"),
        format!("btcstake_signer_refusals_total{{{of_lane},rule=\"double_sign\"}} 1"),
        format!("btcstake_signer_refusals_total{{{of_lane},rule=\"not_committed\"}} 1"),
        format!("btcstake_signer_double_sign_refusals_total{{{of_lane}}} 1"),
        format!("btcstake_signer_low_watermark{{{of_lane}}} 999"),
        format!("btcstake_signer_high_watermark{{{of_lane}}} 5000"),
        format!("btcstake_signer_highest_height{{{of_lane}}} 1007"),
        format!("btcstake_signer_randomness_committed_until_height{{{of_lane}}} 1999"),
        "btcstake_signer_store_size_bytes 8192".to_owned(),
        "btcstake_signer_store_generation 12".to_owned(),
        "btcstake_signer_rate_limited_total{client=\"fpd\"} 1".to_owned(),
        "btcstake_signer_authentication_failures_total{reason=\"no_secret\"} 1".to_owned(),
        format!("btcstake_signer_key_locked{{{of_key}}} 1"),
        "btcstake_signer_start_time_seconds 1700000000".to_owned(),
        format!("btcstake_signer_build_info{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION")),
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\nis not in\n{text}");
    }
}

#[test]
fn what_is_configured_begins_at_zero() {
    let text = metrics().render();
    let of_lane = format!("chain_id=\"bbn-1\",fp_btc_pk_hex=\"{}\"", key(1).public_key());
    let double_signs = format!("btcstake_signer_double_sign_refusals_total{{{of_lane}}} 0");
    assert!(text.lines().any(|line| line == double_signs), "{text}");
    assert!(!text.contains("watermark"), "{text}");
}

#[test]
fn a_watermark_that_goes_is_gone() {
    let metrics = metrics();
    let lane = lane(1, b"bbn-1");
    use_all(&metrics, &lane, "fpd", "SignEOTS");
    metrics.set_lane(&lane, &LaneState::default());
    metrics.set_lane(&lane, &LaneState::default());
    let text = metrics.render();
    for name in ["low_watermark{", "high_watermark{", "highest_height{", "committed_until_height{"] {
        assert!(!text.contains(name), "{text}");
    }
}

#[test]
fn strangers_share_one_label() {
    let metrics = metrics();
    let before = {
        use_all(&metrics, &lane(2, b"\xff"), "stranger", "/garbage");
        metrics.render().lines().count()
    };
    for number in 2..=40 {
        let chain_id = format!("chain-{number}");
        use_all(&metrics, &lane(number, chain_id.as_bytes()), &format!("client-{number}"), &chain_id);
    }
    let text = metrics.render();
    assert_eq!(text.lines().count(), before, "{text}");
    let other =
        "btcstake_signer_refusals_total{chain_id=\"other\",fp_btc_pk_hex=\"other\",rule=\"double_sign\"} 40";
    assert!(text.lines().any(|line| line == other), "{text}");
}

/// Prometheus' numbers are floats, and the greatest integer here is 2^63 - 1.
#[test]
fn heights_are_exact_up_to_2_to_the_53_and_never_wrap() {
    let metrics = metrics();
    let lane = lane(1, b"bbn-1");
    for (height, shown) in [
        ((1 << 53) - 1, "9007199254740991"),
        ((1 << 53) + 1, "9007199254740992"),
        (i64::MAX.unsigned_abs(), "9223372036854775807"),
        (u64::MAX, "9223372036854775807"),
    ] {
        metrics.listed(&lane.public_key, ConsumerHeight(height), 0);
        let text = metrics.render();
        let line = text.lines().find(|line| line.starts_with("eots_fp_last_generated")).unwrap();
        let value = line.rsplit_once(' ').unwrap().1;
        assert_eq!(value.parse::<f64>().unwrap(), shown.parse::<f64>().unwrap(), "{line}");
    }
}

/// The names that a text has, without those that a histogram adds.
fn names(text: &str) -> BTreeSet<String> {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types.map(|line| line.split(' ').next().unwrap().to_owned()).collect()
}

#[test]
fn the_page_has_every_metric() {
    let metrics = metrics();
    use_all(&metrics, &lane(1, b"bbn-1"), "fpd", "SignEOTS");
    let rendered = names(&metrics.render());
    let listed: BTreeSet<String> = families::ALL.iter().map(|family| family.name.to_owned()).collect();
    assert_eq!(rendered, listed);
    // A crate from the registry has no pages beside it.
    if !std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts")).exists() {
        return;
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/signer-operation.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (begin, end) = ("<!-- metrics: begin -->\n", "<!-- metrics: end -->\n");
    let (before, rest) = page.split_once(begin).unwrap();
    let (between, after) = rest.split_once(end).unwrap();
    let reference = format!("\n{}\n", Metrics::reference());
    if std::env::var_os("BTCSTAKE_WRITE_DOCS").is_some() {
        std::fs::write(path, format!("{before}{begin}{reference}{end}{after}")).unwrap();
        return;
    }
    assert_eq!(between, reference, "BTCSTAKE_WRITE_DOCS=1 writes the table anew");
}

#[test]
fn codes_have_the_names_that_dashboards_know() {
    let names: BTreeSet<&str> = (0..=16).map(|code| code_name(tonic::Code::from_i32(code))).collect();
    assert_eq!(names.len(), 17);
    assert_eq!(code_name(tonic::Code::Cancelled), "Canceled");
    assert_eq!(code_name(tonic::Code::FailedPrecondition), "FailedPrecondition");
}
