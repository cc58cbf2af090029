// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// Runs a target's code in its own name. The traces repeat a value, but no ETH leaves this contract.
contract DelegateCaller {
    /// DELEGATECALL has no value of its own: its frame shows this call's.
    function delegate(address target, bytes calldata input) external payable {
        (bool success, ) = target.delegatecall(input);
        require(success, "the target refused");
    }

    /// CALLCODE names a value and sends it to this contract itself. Only assembly still speaks it. The target is the
    /// first word of the input.
    fallback() external payable {
        assembly {
            pop(callcode(gas(), calldataload(0), callvalue(), 0, 0, 0, 0))
        }
    }
}
