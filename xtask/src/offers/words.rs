//! Names and texts of made offers: always the same ones for the same number, as different from each other as a real
//! catalogue's.

const TOPICS: [&str; 40] = [
    "Modbus",
    "OPC UA",
    "MQTT",
    "BACnet",
    "CAN Bus",
    "Profinet",
    "EtherCAT",
    "LoRaWAN",
    "Zigbee",
    "KNX",
    "Vibration",
    "Temperature",
    "Pressure",
    "Humidity",
    "Energy",
    "Power Quality",
    "Water",
    "Air Quality",
    "Vision",
    "Thermal Camera",
    "Barcode",
    "Speech",
    "Acoustic",
    "Predictive Maintenance",
    "Anomaly",
    "Quality Inspection",
    "Asset Tracking",
    "Fleet",
    "Forklift",
    "Conveyor",
    "Packaging",
    "Cold Chain",
    "Solar",
    "Battery",
    "Wind",
    "Elevator",
    "Greenhouse",
    "Traffic",
    "Parking",
    "Waste",
];
const KINDS: [&str; 30] = [
    "Gateway",
    "Bridge",
    "Adapter",
    "Collector",
    "Logger",
    "Analyzer",
    "Monitor",
    "Detector",
    "Predictor",
    "Dashboard",
    "Historian",
    "Connector",
    "Translator",
    "Aggregator",
    "Filter",
    "Controller",
    "Simulator",
    "Recorder",
    "Classifier",
    "Counter",
    "Scheduler",
    "Alarm Server",
    "Data Hub",
    "Time Series Store",
    "Stream Processor",
    "Firewall",
    "Updater",
    "Inventory",
    "Digital Twin",
    "Protocol Probe",
];
const HOUSES: [&str; 50] = [
    "Adatum",
    "Alpenglow",
    "Altair Works",
    "Aurora Edge",
    "Basalt",
    "Beacon",
    "Birchwood",
    "Blue Yonder",
    "Brightline",
    "Cascade",
    "Cobalt",
    "Contoso Labs",
    "Copperfield",
    "Coral",
    "Delphin",
    "Driftwood",
    "Eastgate",
    "Ember",
    "Fabrikam",
    "Fjord",
    "Foundry Nine",
    "Glacier",
    "Granite",
    "Graphite",
    "Harbour",
    "Helios",
    "Juniper Ridge",
    "Kestrel",
    "Lagoon",
    "Litware",
    "Lumen",
    "Meridian",
    "Mistral",
    "Nordwind",
    "Northwind",
    "Obsidian",
    "Orchard",
    "Osprey",
    "Pinecrest",
    "Proseware",
    "Quartz",
    "Redwood",
    "Sable",
    "Saltmarsh",
    "Tailspin",
    "Tern",
    "Trey",
    "Umbra",
    "Wingtip",
    "Zephyr",
];
const FORMS: [&str; 20] = [
    "Systems",
    "Automation",
    "Industries",
    "Software",
    "Robotics",
    "Controls",
    "Sensors",
    "Networks",
    "Analytics",
    "Engineering",
    "Technologies",
    "Instruments",
    "Data",
    "Energy",
    "Logistics",
    "Research",
    "Solutions",
    "Devices",
    "Security",
    "Machines",
];
const CATEGORIES: [&str; 12] = [
    "ai-machine-learning",
    "analytics",
    "databases",
    "developer-tools",
    "integration",
    "internet-of-things",
    "it-management",
    "media",
    "monitoring",
    "networking",
    "security",
    "storage",
];
const DOES: [&str; 12] = [
    "Reads {} and sends what matters",
    "Turns {} into messages for your hub",
    "Watches {} and warns before it fails",
    "Keeps {} data on the device until the link is back",
    "Brings {} to the cloud without a line of code",
    "Finds what is unusual in {}",
    "Stores {} for years on a small disk",
    "Shows {} on any screen in the plant",
    "Counts, sums and forwards {}",
    "Speaks {} with old machines",
    "Secures {} at the edge",
    "Learns from {} on the gateway",
];
const FOR_WHOM: [&str; 8] = [
    "For plants with machines of many makers.",
    "For utilities with thousands of small stations.",
    "For builders of machines who ship a gateway.",
    "For warehouses that never close.",
    "For farms beyond the reach of a cable.",
    "For cities that count what moves.",
    "For hospitals that keep their data in the house.",
    "For ships and trains that are rarely online.",
];
const PLATFORMS: [&[&str]; 6] = [
    &["linux/amd64", "linux/arm/v7", "linux/arm64"],
    &["linux/amd64", "linux/arm64"],
    &["linux/amd64"],
    &["linux/arm/v7", "linux/arm64"],
    &["linux/amd64", "linux/arm/v7", "linux/arm64"],
    &["linux/amd64", "windows/amd64"],
];

/// A made offer.
pub struct Offer {
    pub number: usize,
    pub publisher: String,
    pub id: String,
    pub title: String,
    pub summary: String,
    pub long_summary: String,
    pub categories: Vec<&'static str>,
    pub licence: &'static str,
    pub platforms: &'static [&'static str],
}

/// Chooses, by a generator that is always the same (a linear congruential one, after Knuth's MMIX).
pub struct Words(u64);

impl Words {
    pub fn new() -> Words {
        Words(42)
    }

    /// All publishers: ID and name.
    pub fn publishers(&self) -> Vec<(String, String)> {
        let names = HOUSES.iter().flat_map(|house| FORMS.iter().map(move |form| format!("{house} {form}")));
        names.map(|name| (name.to_lowercase().replace(' ', "-"), name)).collect()
    }

    /// The next offer.
    pub fn offer(&mut self, number: usize) -> Offer {
        let (topic, kind) = (self.one(&TOPICS), self.one(&KINDS));
        let name = format!("{} {}", self.one(&HOUSES), self.one(&FORMS));
        let series = ["", " Pro", " Lite", " Edge", " XL", " 2", " 3", " One"];
        let title = format!("{topic} {kind}{}", self.one(&series));
        let mut categories = vec![self.one(&CATEGORIES)];
        let other = self.one(&CATEGORIES);
        if other != categories[0] {
            categories.push(other);
        }
        let summary = self.one(&DOES).replace("{}", topic);
        Offer {
            number,
            publisher: name.to_lowercase().replace(' ', "-"),
            id: format!("{}-{number}", short(&title)),
            long_summary: format!(
                "{summary}. {} Works with {} and {}.",
                self.one(&FOR_WHOM),
                self.one(&TOPICS),
                self.one(&TOPICS)
            ),
            title,
            summary,
            categories,
            licence: if self.below(4) == 0 { "byol" } else { "free" },
            platforms: PLATFORMS[self.below(PLATFORMS.len())],
        }
    }

    fn one<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len())]
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}

/// The title as a part of an ID, which may have 50 characters with the number.
fn short(title: &str) -> String {
    let id: String = title.to_lowercase().replace(' ', "-").chars().take(42).collect();
    id.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_same_number_gives_the_same_offer() {
        let titles = |count| {
            (0..count)
                .map({
                    let mut words = Words::new();
                    move |n| words.offer(n).title
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(titles(50), titles(50));
        assert!(titles(500).iter().collect::<BTreeSet<_>>().len() > 450);
        let mut words = Words::new();
        let known: BTreeSet<String> = words.publishers().into_iter().map(|(id, _)| id).collect();
        for number in 0..200 {
            let offer = words.offer(number);
            assert!(known.contains(&offer.publisher) && offer.id.len() <= 50 && offer.summary.len() <= 100);
        }
    }
}
