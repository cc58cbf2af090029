// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

// Stand-ins for a Chainlink feed on a local chain: a proxy at the feed's real address and one aggregator per
// phase behind it. Anybody may push a round. For development and tests only.

/// The rounds of one phase, numbered from 1.
contract PhaseAggregator {
    struct Round {
        int192 answer;
        uint64 startedAt;
        uint64 updatedAt;
    }

    PriceFeed public immutable proxy;
    Round[] private rounds;

    constructor() {
        proxy = PriceFeed(msg.sender);
    }

    function append(int256 answer, uint256 startedAt, uint256 updatedAt) external {
        require(msg.sender == address(proxy), "Push to the proxy");
        require(answer == int192(answer), "Answer too large");
        rounds.push(Round(int192(answer), uint64(startedAt), uint64(updatedAt)));
    }

    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        return getRoundData(uint80(rounds.length));
    }

    function getRoundData(uint80 id) public view returns (uint80, int256, uint256, uint256, uint80) {
        if (id == 0 || id > rounds.length || rounds[id - 1].updatedAt == 0) {
            // OCR2 aggregators, which Base's feeds are, answer with zeros; older ones revert.
            require(proxy.answersMissingRounds() && rounds.length != 0, "No data present");
            return (id, 0, 0, 0, id);
        }
        Round storage round = rounds[id - 1];
        return (id, round.answer, round.startedAt, round.updatedAt, id);
    }
}

/// Answers as Chainlink's proxies do: a round id is `phaseId << 64 | the aggregator's round`.
/// It is installed as code without a constructor run, so `initialize` makes the first phase.
contract PriceFeed {
    uint8 public decimals;
    uint16 public phaseId;
    bool public answersMissingRounds;
    string public description;
    mapping(uint16 => PhaseAggregator) public phaseAggregators;

    function version() external pure returns (uint256) {
        return 4;
    }

    /// Sets what a constructor would have; only once.
    function initialize(uint8 decimals_, string calldata description_) external {
        require(phaseId == 0, "Already initialized");
        decimals = decimals_;
        description = description_;
        startPhase();
    }

    /// Appends a round to the current phase. An `updatedAt` or `startedAt` of 0 means this block's time.
    function push(int256 answer, uint256 startedAt, uint256 updatedAt) external {
        pushTo(phaseId, answer, startedAt, updatedAt);
    }

    /// The same for any phase: aggregators answer before the proxy points to them, and after.
    function pushTo(uint16 phase, int256 answer, uint256 startedAt, uint256 updatedAt) public {
        if (updatedAt == 0) updatedAt = block.timestamp;
        if (startedAt == 0) startedAt = updatedAt;
        phaseAggregators[phase].append(answer, startedAt, updatedAt);
    }

    /// Appends `count` rounds to the current phase, the answers 1 apart and the times `every` seconds.
    function pushMany(int256 answer, uint256 updatedAt, uint256 every, uint256 count) external {
        for (uint256 i = 0; i < count; i++) {
            uint256 at = updatedAt + i * every;
            aggregator().append(answer + int256(i), at, at);
        }
    }

    /// Leaves out `count` rounds of the current phase: their numbers are taken, and they are missing.
    function skip(uint256 count) external {
        for (uint256 i = 0; i < count; i++) aggregator().append(0, 0, 0);
    }

    /// Moves on to a new, empty phase; rounds of the older ones stay readable.
    function startPhase() public {
        phaseId += 1;
        phaseAggregators[phaseId] = new PhaseAggregator();
    }

    /// Whether a round that does not exist is answered with zeros (as OCR2 does) instead of a revert.
    function answerMissingRounds(bool answers) external {
        answersMissingRounds = answers;
    }

    function aggregator() public view returns (PhaseAggregator) {
        return phaseAggregators[phaseId];
    }

    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        (uint80 id, int256 answer, uint256 startedAt, uint256 updatedAt, ) = aggregator().latestRoundData();
        uint80 full = _proxyRound(phaseId, id);
        return (full, answer, startedAt, updatedAt, full);
    }

    function getRoundData(uint80 id) external view returns (uint80, int256, uint256, uint256, uint80) {
        uint16 phase = uint16(id >> 64);
        // The real proxy calls address 0 here, which reverts as well.
        require(address(phaseAggregators[phase]) != address(0), "No data present");
        (uint80 round, int256 answer, uint256 startedAt, uint256 updatedAt, ) = phaseAggregators[phase]
            .getRoundData(uint64(id));
        uint80 full = _proxyRound(phase, round);
        return (full, answer, startedAt, updatedAt, full);
    }

    function _proxyRound(uint16 phase, uint80 round) private pure returns (uint80) {
        return (uint80(phase) << 64) | round;
    }
}
