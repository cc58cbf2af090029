// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// Several transfers to one target in one transaction.
contract Batch {
    function pay(address payable target, uint256[] calldata amounts) external payable {
        for (uint256 i = 0; i < amounts.length; i++) {
            (bool success, ) = target.call{value: amounts[i]}("");
            require(success, "the target refused");
        }
    }

    /// The same amount with each of the inputs.
    function payEach(address payable target, uint256 amount, bytes[] calldata inputs) external payable {
        for (uint256 i = 0; i < inputs.length; i++) {
            (bool success, ) = target.call{value: amount}(inputs[i]);
            require(success, "the target refused");
        }
    }
}
