// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// Leaves its balance to a target by SELFDESTRUCT, which runs no code of the target's.
contract SelfDestructor {
    function destroy(address payable target) external payable {
        selfdestruct(target);
    }
}
