// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// Sends what it is given on to a target, with an input of its own: a contract wallet.
contract Forwarder {
    function forward(address payable target, bytes calldata input) external payable {
        (bool success, ) = target.call{value: msg.value}(input);
        require(success, "the target refused");
    }
}
